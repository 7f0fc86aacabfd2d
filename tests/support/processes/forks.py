"""Programs in processes of their own that need not import every library first: forks of a process that has.

Python's fork server imports libraries, and nothing that reads settings: a program reads those of its own environment,
as in a process that was started from nothing.
"""

import gc
import os
import runpy
import sys
from multiprocessing import get_context
from multiprocessing.forkserver import set_forkserver_preload
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory
from types import ModuleType

from django.conf import settings

LIBRARIES = [  # nearly all of what a start imports, in the order in which most comes with little
    "vru_portal.tabular",  # before django-import-export: see there
    *("django_smart_ratelimit.backends.database", "import_export.mixins", "fido2.server", "markdown_it.tree"),
    *("simple_history.template_utils", "django.db.backends.sqlite3.base", "psycopg", "django_tasks_db.utils"),
    *("django.core.management.commands.migrate", "django.contrib.admin.views.main", "whitenoise.middleware"),
    *("cryptography.hazmat.primitives.serialization.pkcs12", "cryptography.fernet", "crispy_forms.helper"),
    *("django.contrib.sitemaps.views", "allauth.decorators", "environ", "nh3", "segno", "typst"),
]


def run_fork(
    arguments: tuple[str, ...], environ: dict[str, str], folder: Path, seconds: float
) -> CompletedProcess[str]:
    """Run what `python ARGUMENTS` runs, a script, `-m MODULE` or `-c CODE`; return its output.

    Raises TimeoutExpired. What is to happen as Python ends, by `atexit`, does not.
    """
    set_forkserver_preload([*LIBRARIES, __name__])
    with TemporaryDirectory() as said:
        out, err = Path(said) / "out", Path(said) / "err"
        process = get_context("forkserver").Process(target=run, args=(arguments, environ, folder, out, err))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise TimeoutExpired(arguments, seconds)
        return CompletedProcess(arguments, process.exitcode, out.read_text(), err.read_text())


def run(arguments: tuple[str, ...], environ: dict[str, str], folder: Path, out: Path, err: Path) -> None:
    """Become such a process, with its environment, folder, output and arguments; then run the program."""
    assert not settings.configured, "one of these libraries reads settings: those of the tests"
    gc.freeze()
    os.environ.clear()
    os.environ.update(environ)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    kind, *rest = arguments
    if kind == "-c":
        code, *rest = rest
        sys.argv = ["-c", *rest]
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), vars(main))  # noqa: S102 - what a test has written
    elif kind == "-m":
        module, *rest = rest
        sys.argv = [module, *rest]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *rest]
        runpy.run_path(kind, run_name="__main__")
