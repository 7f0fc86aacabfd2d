import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from tests.own_database import Template

# Dozens of processes start Python here. Where an image tells it to keep nothing that it compiles, each takes seconds
# to compile all of Django anew: let the next one read what the first one made.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ.setdefault(
    "PYTHONPYCACHEPREFIX", str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the long fault tests out unless they are named, as `make faults` does."""
    if collection_path.name == "faults" and not any("faults" in argument for argument in config.args):
        return True
    return None


# What takes longest begins first, so that no worker waits for the other at the end.
LONGEST = (
    "browser-wide",
    "browser-narrow",
    "serve",
    "walks",
    "funding/test_reconcile",
    "vru_portal/test_bad_input",
    "funding/test_views",
    "races",
    "upgrades",
    "vru_portal/test_demo",
)


def group_of(item: pytest.Item) -> str:
    """Return the group of tests that one worker runs."""
    marker = item.get_closest_marker("xdist_group")
    return marker.args[0] if marker else f"{item.path.parent.name}/{item.path.stem}"


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Give each file to one worker as a whole: what its tests share is made once, and no test is sent for by itself."""
    for item in items:
        if item.path.parent.name != "browser":  # whose conftest.py makes groups of its own
            item.add_marker(pytest.mark.xdist_group(group_of(item)))
    yield
    sizes = Counter(map(group_of, items))

    def turn(item: pytest.Item) -> tuple[int, int]:
        group = group_of(item)
        return LONGEST.index(group) if group in LONGEST else len(LONGEST), -sizes[group]

    items.sort(key=turn)
    gc.freeze()  # all that is imported stays: nobody need look through it again for what could be thrown away


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, such as the weight of the home page."""
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
    outside["UPLOADS"] = kept / "uploads"
    # a second factor is asked for in the tests of signing in, and nowhere else
    with override_settings(STORAGES=storages, STATIC_ROOT=root, SECOND_FACTOR_REQUIRED=False, **outside):
        yield root


@pytest.fixture(autouse=True)
def own_register(tmp_path: Path, settings: Any) -> None:
    """What the declaration's register keeps outside the database is each test's own."""
    settings.REGISTER_KEYS = tmp_path / "register"
    settings.SCANS = tmp_path / "scans"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The database that is migrated once for all workers; who needs one with every table and guard copies it."""
    folder = tmp_path_factory.getbasetemp()
    return Template(folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, template: Template) -> None:
    """Let the tests' own database begin as a copy; Django then finds that there is nothing left to migrate."""
    template.begin(settings.DATABASES["default"])


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
