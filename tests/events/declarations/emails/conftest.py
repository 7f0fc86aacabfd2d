import pytest
import time_machine

from tests.support import signing
from tests.support.factories import UnitFactory

NOON = "2031-03-03T12:00:00Z"
SMTP = "vru_portal.links.smtp.EmailBackend"


@pytest.fixture
def clock(db, monkeypatch):
    """Time that a test moves on; the world is made at noon."""
    # a worker drops a connection that has grown old; here it is the one that holds the test together
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)
    with time_machine.travel(NOON, tick=False) as traveller:
        UnitFactory()
        signing.open_signing()
        yield traveller


@pytest.fixture
def through(settings):
    """Send mail through a server."""

    def _through(port):
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", port
        settings.EMAIL_TIMEOUT = 5

    return _through
