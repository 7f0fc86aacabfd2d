from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from tests.unit_content.files import LAUNCH_UNIT, RIVERSIDE


@contextmanager
def loaded(folder: Path, blocker: Any) -> Iterator[None]:
    """Hold a unit's content in the test database, and take it out again.

    Who uses it is marked `django_db` too: without the mark pytest-django makes no test database.
    """
    with blocker.unblock(), transaction.atomic():
        call_command("load_unit", str(folder), verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="class")
def launch_unit(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with loaded(LAUNCH_UNIT, django_db_blocker):
        yield


@pytest.fixture(scope="class")
def riverside(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with loaded(RIVERSIDE, django_db_blocker):
        yield
