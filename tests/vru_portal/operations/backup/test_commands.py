"""Every command that may write is kept apart from a restore, as the portal itself is."""

import re
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import find_commands, get_commands

import manage
from tests.support.processes.portal_process import one_sentence, run
from vru_portal.operations.backup import stopped
from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.lock import ALLOWED_DURING_RESTORE, COMMANDS_THAT_LOCK

# A new command is named here, or, if it only reads and opens no page, in ALLOWED_DURING_RESTORE.
REFUSED_DURING_RESTORE = {
    *("allocate", "backup", "demo", "invite", "load_unit", "mail_queue", "pay", "record_returns", "register"),
    *("run_schedule", "staff"),
    *("crawl", "reconcile"),  # they open pages
}


def own_commands():
    """The names of the portal's own commands."""
    own = [config for config in apps.get_app_configs() if Path(config.path).is_relative_to(settings.BASE_DIR)]
    own = [config for config in own if "site-packages" not in config.path]
    return {name for config in own for name in find_commands(str(Path(config.path, "management")))}


@pytest.fixture
def ran(monkeypatch, settings, tmp_path):
    """The commands that `manage.py` has run, in a portal of its own."""
    settings.VAR_DIR = tmp_path / "var"
    ran: list[str] = []
    monkeypatch.setattr(manage, "execute_from_command_line", lambda arguments: ran.append(arguments[1]))
    return ran


def run_main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["manage.py", *arguments])
    manage.main()


def test_every_command_of_the_portal_says_whether_it_writes():
    declared = REFUSED_DURING_RESTORE | ALLOWED_DURING_RESTORE | COMMANDS_THAT_LOCK
    assert own_commands() - declared == set()
    assert own_commands() >= REFUSED_DURING_RESTORE
    assert not REFUSED_DURING_RESTORE & (ALLOWED_DURING_RESTORE | COMMANDS_THAT_LOCK)
    assert get_commands().keys() | {"help", "version"} >= ALLOWED_DURING_RESTORE | COMMANDS_THAT_LOCK


@pytest.mark.parametrize(
    "name", sorted(REFUSED_DURING_RESTORE | {"migrate", "shell", "loaddata", "createsuperuser", "db_worker"})
)
def test_what_writes_is_refused_while_a_backup_is_restored_and_keeps_restores_away(monkeypatch, ran, name):
    with stopped.alone(), pytest.raises(SystemExit, match=re.escape("A backup is being restored. Try again")):
        run_main(monkeypatch, name)
    assert ran == []
    run_main(monkeypatch, name)
    assert ran == [name]
    with pytest.raises(BackupError, match="The portal or one of its commands is running"), stopped.alone():
        pass


@pytest.mark.parametrize("name", [*sorted(ALLOWED_DURING_RESTORE | COMMANDS_THAT_LOCK), "--version"])
def test_what_only_reads_runs_meanwhile(monkeypatch, ran, name):
    with stopped.alone():
        run_main(monkeypatch, name)
    assert ran == [name]


@pytest.mark.server
def test_a_separate_unit_ends_with_a_sentence_while_a_backup_is_restored(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    with stopped.alone():
        done = run(settings.VAR_DIR, "run_schedule")
    assert done.returncode == 1
    assert one_sentence(done.stderr), done.stderr
    assert "A backup is being restored." in done.stderr
