"""The commands that the portal names work as they are printed."""

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from vru_portal.management.commands import serve, staff

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.parametrize(
    ("demo", "embedded", "env_file", "before"),
    [
        (False, True, False, ""),
        (True, True, False, "DEMO=1 "),
        (True, False, True, "DEMO=1 "),
        (True, True, True, "DEMO=1 DATABASE_URL= "),  # else it would use the database that .env names
    ],
)
def test_the_first_account_is_made_where_the_portal_is_served_from(
    settings, tmp_path, demo, embedded, env_file, before
):
    settings.DEMO, settings.EMBEDDED, settings.BASE_DIR = demo, embedded, tmp_path
    if env_file:
        (tmp_path / ".env").touch()
    assert f"with: {before}{serve.PYTHON} manage.py staff add NAME --role Administrator\n" in serve.announcement()


def test_a_database_without_tables_is_told_in_whole_sentences(monkeypatch):
    def show(self):
        raise OperationalError("no such table: auth_user")

    monkeypatch.setattr(staff.Command, "show", show)
    with pytest.raises(CommandError) as refused:
        call_command("staff", "list")
    said = "The database cannot be used: no such table: auth_user. Run manage.py migrate first."
    assert str(refused.value) == said
