"""Replacing a portal's files: whatever stops it half-way, the old files are all there again."""

import shutil
from contextlib import suppress

import pytest
from django.core.exceptions import ImproperlyConfigured

from vru_portal.operations.backup import lock, stopped, swap
from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.swap import Move, Swap

OLD = {"database": "old", "database-journal": "old journal", "uploads/a": "old", "key": "old"}
NEW = {"database": "new", "uploads/b": "new", "scans/c": "new", "key": "new"}


class PowerCut(BaseException):
    """The process ends: nothing of it runs any more."""


@pytest.fixture
def portal(tmp_path):
    """A portal's folder with old files, and beside each what was restored for it. It has no scans yet."""
    folder = tmp_path / "var"
    for name, text in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, text in NEW.items():
        new = folder / f".restoring-{name}"
        new.parent.mkdir(exist_ok=True)
        new.write_text(text)
    names = ["uploads", "scans", "database-journal", "database", "key"]
    restored = {name: folder / f".restoring-{name}" for name in names if name != "database-journal"}
    return folder, Swap([Move(folder / name, restored.get(name), folder / "aside" / name) for name in names])


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_replaced_and_what_there_was_is_put_aside(portal):
    folder, planned = portal
    with swap.journalled(planned, folder):
        for move in planned.moves:
            move.make()
    assert files(folder) == NEW | {f"aside/{name}": text for name, text in OLD.items()}


@pytest.mark.parametrize("made", range(6))
def test_an_error_after_any_number_of_moves_undoes_them(portal, made):
    folder, planned = portal
    with suppress(OSError), swap.journalled(planned, folder):
        for move in planned.moves[:made]:
            move.make()
        raise OSError
    assert files(folder) == OLD


@pytest.mark.parametrize("made", range(11))
def test_a_power_cut_between_any_two_renames_is_undone_by_the_next_restore(portal, made, monkeypatch):
    folder, planned = portal
    monkeypatch.setattr(Swap, "undo", lambda self: None)
    monkeypatch.setattr(swap, "finish", lambda *arguments: None)
    renames = iter(range(made))

    def rename(path, target):
        if next(renames, None) is None:
            raise PowerCut
        return shutil.move(path, target)

    monkeypatch.setattr(type(folder), "rename", rename)
    with suppress(PowerCut), swap.journalled(planned, folder):
        for move in planned.moves:
            move.make()
        raise PowerCut
    monkeypatch.undo()
    assert swap.undo_interrupted(folder)
    assert files(folder) == OLD
    assert not (folder / "scans").exists()
    assert not swap.undo_interrupted(folder)


def test_a_portal_does_not_start_on_half_a_restore(portal, settings, monkeypatch):
    folder, planned = portal
    settings.VAR_DIR = folder
    monkeypatch.setattr(Swap, "undo", lambda self: None)
    monkeypatch.setattr(swap, "finish", lambda *arguments: None)
    with suppress(PowerCut), swap.journalled(planned, folder):
        raise PowerCut
    with pytest.raises(ImproperlyConfigured, match="A restore was interrupted"):
        lock.hold_while_running()


def test_a_portal_that_runs_keeps_a_restore_away_and_the_other_way_round(tmp_path, settings):
    settings.VAR_DIR = tmp_path / "first"
    lock.hold_while_running()
    lock.hold_while_running()  # the timer, in another process, shares the lock
    with pytest.raises(BackupError, match="The portal or one of its commands is running"), stopped.stopped_portal():
        pass
    settings.VAR_DIR = tmp_path / "second"
    with stopped.alone(), pytest.raises(ImproperlyConfigured, match="being restored"):
        lock.hold_while_running()
    lock.hold_while_running()
