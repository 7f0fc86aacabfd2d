import io

import pytest
from django.core.management import CommandError, call_command

from tests.support.altered_responses import AlteredResponses


@pytest.fixture
def plant(settings, monkeypatch):
    """Change what is served at an address."""

    def plant(path, change):
        monkeypatch.setattr(AlteredResponses, "path", path)
        monkeypatch.setattr(AlteredResponses, "change", staticmethod(change))
        settings.MIDDLEWARE = ["tests.support.altered_responses.AlteredResponses", *settings.MIDDLEWARE]

    return plant


@pytest.fixture
def reconciled():
    """Return the exit code of `reconcile` and what was printed."""

    def _reconciled(*arguments):
        out = io.StringIO()
        try:
            call_command("reconcile", *arguments, stdout=out)
        except CommandError as error:
            return error.returncode, f"{out.getvalue()}\n{error}"
        return 0, out.getvalue()

    return _reconciled
