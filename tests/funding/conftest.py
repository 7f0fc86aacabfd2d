import pytest

from tests.support.altered_responses import AlteredResponses


@pytest.fixture
def plant(settings, monkeypatch):
    """Change what is served at an address."""

    def plant(path, change):
        monkeypatch.setattr(AlteredResponses, "path", path)
        monkeypatch.setattr(AlteredResponses, "change", staticmethod(change))
        settings.MIDDLEWARE = ["tests.support.altered_responses.AlteredResponses", *settings.MIDDLEWARE]

    return plant
