import pytest

from vru_portal.models import Heartbeat

TOKEN = "m" * 40


@pytest.fixture
def alive(db):
    """Timer and mail queue have just said that they work."""
    Heartbeat.objects.beat(Heartbeat.Part.TIMER)
    Heartbeat.objects.beat(Heartbeat.Part.MAIL_QUEUE)


@pytest.fixture
def monitoring(settings):
    """The headers that the unit's monitoring sends."""
    settings.MONITORING_TOKEN = TOKEN
    return {"authorization": f"Bearer {TOKEN}"}
