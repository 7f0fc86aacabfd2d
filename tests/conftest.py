import gc
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest import runner
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from tests.support.factories import with_history
from tests.support.processes.databases import Template
from tests.support.processes.logged import Lines
from vru_portal.web import limits

# An example may take long on a busy machine; that says nothing about the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# Dozens of processes start Python here. Where an image tells it to keep nothing that it compiles, each would compile
# the whole portal anew: let the next one read what the first one made.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.disable()  # until everything is imported: there is nothing to collect before that


DATABASE = {"db", "template", "django_db_setup"}  # fixtures of tests that ask a database
TOOK = f"portal/{connection.vendor}"  # in pytest's cache: how many seconds each group of tests took


# Fault tests that run with all others: done a few times, each takes seconds. `make faults` runs every one in full.
QUICK_FAULTS = {"test_clock.py", "test_nginx.py", "test_slow_readers.py", "test_tampering.py"}
ROUNDS_OF_QUICK_FAULTS = "5"


def runs_faults(config: pytest.Config) -> bool:
    """Whether the fault tests are named, as in `make faults`."""
    return any("faults" in argument for argument in config.args)


def pytest_configure(config: pytest.Config) -> None:
    """Beside the other tests, try each fault a few times only. This comes before the fault tests are imported."""
    if not runs_faults(config):
        os.environ.setdefault("FAULT_ROUNDS", ROUNDS_OF_QUICK_FAULTS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the long fault tests out unless they are named."""
    is_fault_test = collection_path.parent.name == "faults" and collection_path.name.startswith("test_")
    return True if is_fault_test and collection_path.name not in QUICK_FAULTS and not runs_faults(config) else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker how long groups took: all must sort alike, whatever another run writes into the cache."""
    cache = getattr(node.config, "cache", None)
    node.workerinput[TOOK] = cache.get(TOOK, {}) if cache else {}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Leave bytes out of names: some files hold the time at which they were made, and each worker makes its own."""
    return argname if isinstance(val, bytes) else None


def group_of(item: pytest.Item) -> str:
    """Return the group of tests that one worker runs."""
    marker = item.get_closest_marker("xdist_group")
    return marker.args[0] if marker else f"{item.path.parent.name}/{item.path.stem}"


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Give each file to one worker as a whole: what its tests share is made once, and no test is sent for by itself."""
    for item in items:
        if item.path.parent.name != "browser":  # whose conftest.py makes groups of its own
            item.add_marker(pytest.mark.xdist_group(group_of(item)))
        if not any(map(item.get_closest_marker, ("django_db", "server"))) and not DATABASE & {*item.fixturenames}:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.once)
    yield
    # What took longest in the last run begins first, so that no worker waits for the other at the end. Where there was
    # none, that is what starts processes of its own, and then what has many tests.
    took: dict[str, float] = getattr(config, "workerinput", {}).get(TOOK, {})
    sizes = Counter(map(group_of, items))
    heavy = {group_of(item) for item in items if any(map(item.get_closest_marker, ("browser", "server")))}
    items.sort(key=lambda item: -took.get(group_of(item), 1000 * (group_of(item) in heavy) + sizes[group_of(item)]))
    gc.freeze()  # all that is imported stays: nobody need look through it again for what could be thrown away
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def with_room(call: Callable[[], object]) -> object:
    """Call a function, with room on Python's stack for a thousand frames below it."""
    return call()


# Python 3.11 allocates its stack in chunks of 16 kB, and frees each as soon as it is empty. Deep under pytest, a call
# that happens to cross the end of one costs two system calls, a million times over: an eighth of the suite's time. A
# frame that claims half of a large chunk leaves the other half to whatever it calls.
with_room.__code__ = with_room.__code__.replace(co_stacksize=70_000)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> object:
    """Run a test as pytest does."""
    return with_room(lambda: runner.pytest_runtest_protocol(item, nextitem))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what tests have measured, such as the weight of the home page; keep how long each group took."""
    took: Counter[str] = Counter()
    reports = chain.from_iterable(terminalreporter.stats.values())
    for report in reports if config.getoption("numprocesses", None) else ():
        name, mark, group = getattr(report, "nodeid", "").rpartition("@")  # which xdist adds
        if name and mark and hasattr(report, "duration"):  # what was deselected has none
            took[group] += report.duration
    if took and (cache := getattr(config, "cache", None)):
        cache.set(TOOK, cache.get(TOOK, {}) | took)
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(f"measured: {value}")


@pytest.fixture(autouse=True, scope="session")
def plain_static_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Pages name static files as they are, so that no test depends on `collectstatic`."""
    storages = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    root, kept = tmp_path_factory.mktemp("static"), tmp_path_factory.mktemp("kept")
    # what fixtures of a whole module keep of the register is not the portal's own either
    outside = {"REGISTER_KEYS": kept / "register", "SCANS": kept / "scans", "EMAIL_FILE_PATH": kept / "mail"}
    outside |= {"UPLOADS": kept / "uploads", "BACKUPS": kept / "backups"}
    # a second factor is asked for in the tests of signing in, and nowhere else; no test is about how passwords are kept
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(
        STORAGES=storages,
        STATIC_ROOT=root,
        SECOND_FACTOR_REQUIRED=False,
        PASSWORD_HASHERS=hashers,
        MAKES_DAILY_BACKUPS=False,  # the database of a test is in memory
        **outside,
    ):
        yield root


@pytest.fixture
def history() -> Iterator[None]:
    """Factories write the history of what they make: for tests that ask for it."""
    with with_history():
        yield


@pytest.fixture(autouse=True)
def own_limits() -> None:
    """The counts of a process start again with each test."""
    limits.memory_backend.cache_clear()


@pytest.fixture(scope="session")
def registers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders for one test after the other. `tmp_path` would look through those of all tests before it for its name."""
    folder = tmp_path_factory.mktemp("registers")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_register(registers: Iterator[Path]) -> Iterator[None]:
    """What is kept outside the database, by the declaration's register and of second factors, is each test's own.

    Nothing listens for changes of these settings: `override_settings` would tell everything, six times a test.
    """
    (folder := next(registers)).mkdir()
    places = {"REGISTER_KEYS": "register", "SECOND_FACTOR_KEYS": "second-factor-keys", "SCANS": "scans"}
    before = {name: getattr(settings, name) for name in places}
    for name, place in places.items():
        setattr(settings, name, folder / place)
    yield
    for name, value in before.items():
        setattr(settings, name, value)


@pytest.fixture
def log() -> Iterator[Lines]:
    """Everything that is logged, down to what is for debugging, as lines of the log."""
    root, lines = logging.getLogger(), Lines()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(lines)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged: hundreds of refusals, each with its traceback, would take most of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Template:
    """The database that is migrated once for all workers; who needs one with every table and trigger copies it."""
    folder = tmp_path_factory.getbasetemp()
    cache = getattr(pytestconfig, "cache", None)  # none with -p no:cacheprovider
    kept = cache.mkdir("databases") if cache else folder
    return Template(folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder, kept)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, template: Template, django_db_blocker: Any) -> Iterator[None]:
    """Begin with a copy of the template, where pytest-django would migrate a database for each worker."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        stack.enter_context(template.used())
        with django_db_blocker.block():
            yield


@pytest.fixture(scope="session")
def standing(django_db_setup: None, django_db_blocker: Any) -> Callable[[], AbstractContextManager[None]]:
    """Hold what is made inside for as many tests as a fixture lasts, and take it out after them.

    Each test begins with these rows as they were made: what it changes is taken back before the next one.
    Who uses it is marked `django_db` too: without the mark pytest-django makes no test database.
    """

    @contextmanager
    def _standing() -> Iterator[None]:
        with django_db_blocker.unblock(), transaction.atomic():
            yield
            transaction.set_rollback(True)

    return _standing
