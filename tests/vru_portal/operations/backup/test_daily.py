"""The backups that the default installation makes by itself, and what staff's start page says about them."""

import os
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from tests.support.factories import LevelFactory, UnitFactory
from vru_portal.operations import schedule
from vru_portal.operations.backup import daily
from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.status import read_status


@pytest.fixture(autouse=True)
def folder(tmp_path, settings, time_machine):
    settings.BACKUPS, settings.MAKES_DAILY_BACKUPS = tmp_path / "backups", True
    time_machine.move_to("2031-05-07T10:00:00Z", tick=False)
    return settings.BACKUPS


@pytest.fixture
def outcomes(monkeypatch):
    """Backups are empty files; an exception in this list comes instead of the next one."""
    found: list[BackupError] = []

    def make_backup(target):
        if found:
            raise found.pop()
        target.touch()

    monkeypatch.setattr(daily, "make_backup", make_backup)
    return found


def test_the_timer_makes_one_a_day(outcomes, time_machine):
    assert daily.make_daily_backup in [job for job, _ in schedule.JOBS]
    made = []
    for _ in range(3 * 24 * 2):
        made.append(daily.make_daily_backup())
        time_machine.shift(timedelta(minutes=30))
    assert sum(made) == 3
    assert made[0] == 1  # at once, so that a new portal is never without


def test_seven_are_kept_and_nothing_else_in_the_folder_is_deleted(outcomes, folder, time_machine):
    daily.make_daily_backup()
    (folder / "before-the-upgrade.tar").touch()
    for _ in range(9):
        time_machine.shift(timedelta(days=1))
        daily.make_daily_backup()
    names = [path.name for path in daily.daily_files()]
    assert names == [f"daily-203105{day}T100000Z.tar" for day in range(10, 17)]
    assert (folder / "before-the-upgrade.tar").exists()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_only_the_default_installation_makes_them(outcomes, settings):
    settings.MAKES_DAILY_BACKUPS = False
    assert daily.make_daily_backup() == 0


def test_one_that_fails_says_why_deletes_none_and_is_tried_again_after_an_hour(outcomes, time_machine):
    daily.make_daily_backup()
    time_machine.shift(timedelta(days=1))
    outcomes.append(BackupError("The disk is full."))
    with pytest.raises(ImproperlyConfigured, match=r"Today's backup failed: The disk is full\."):
        daily.make_daily_backup()
    assert len(daily.daily_files()) == 1
    assert read_status().failure == "The disk is full."
    time_machine.shift(timedelta(minutes=59))
    assert daily.make_daily_backup() == 0
    time_machine.shift(timedelta(minutes=2))
    assert daily.make_daily_backup() == 1
    assert read_status().failure == ""


def test_the_copy_of_the_database_that_a_killed_backup_leaves_is_deleted(outcomes, folder, time_machine):
    left = folder / ".backup-killed"
    left.mkdir(parents=True)
    (left / "database.sqlite3").touch()
    os.utime(left, (time.time(), time.time()))
    daily.make_daily_backup()
    assert left.exists()  # it may still be under way
    time_machine.shift(timedelta(days=1, seconds=1))
    daily.make_daily_backup()
    assert not left.exists()


# The start page -------------------------------------------------------------------------------------------------------


@pytest.fixture
def start_page(client, db):
    """What an Administrator reads on the start page."""
    UnitFactory()
    LevelFactory()
    boss = get_user_model().objects.create_superuser("boss")

    def read(user=boss):
        client.force_login(user)  # a session ends after half a day
        return client.get(reverse("admin:index")).text

    return read


@pytest.mark.once
def test_the_start_page_says_when_the_last_good_one_was_made(start_page, outcomes, time_machine):
    assert "There is no recent backup" in start_page()
    daily.make_daily_backup()
    assert "The last successful backup was made on 7 May 2031, 11:00" in start_page()
    assert "There is no recent backup" not in start_page()
    time_machine.shift(timedelta(days=2, seconds=1))
    assert "There is no recent backup" in start_page()
    assert "The last successful backup was made on 7 May 2031, 11:00." in start_page()


@pytest.mark.once
def test_the_start_page_says_why_the_last_one_failed(start_page, outcomes, time_machine):
    daily.make_daily_backup()
    time_machine.shift(timedelta(days=1))
    outcomes.append(BackupError("The disk is full."))
    with pytest.raises(ImproperlyConfigured):
        daily.make_daily_backup()
    assert "The last backup failed" in start_page()
    assert "The disk is full. The last successful backup was made on 7 May 2031, 11:00." in start_page()


@pytest.mark.once
def test_where_backups_are_made_in_another_way_nobody_is_warned(start_page, settings):
    settings.MAKES_DAILY_BACKUPS = False
    assert "There is no recent backup" not in start_page()
    assert "There are no backups yet." in start_page()


@pytest.mark.once
def test_only_who_looks_after_the_portal_sees_it(start_page):
    editor = get_user_model().objects.create_user("editor", is_staff=True)
    assert "backup" not in start_page(editor).lower()


@pytest.mark.once
def test_a_record_that_cannot_be_read_is_a_warning(start_page, folder):
    folder.mkdir()
    (folder / "last.json").write_text("{")
    assert "The result of the last backup cannot be read." in start_page()


@pytest.mark.once
def test_a_backup_by_hand_counts_whether_it_is_made_or_not(tmp_path, db):
    (tmp_path / "there.tar").touch()
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", tmp_path / "there.tar")
    assert "exists already" in read_status().failure
    assert read_status().failed_at == timezone.now()
