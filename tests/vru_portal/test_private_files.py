import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from tests.support.processes.portal_process import environment
from vru_portal.private_files import be_private


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder):
    return {str(path.relative_to(folder)) for path in (folder, *folder.rglob("*")) if mode(path) & 0o077}


@pytest.fixture
def careless():
    """As most systems are set up: everybody may read what somebody writes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_folder_is_made_for_its_owner_alone_and_so_is_what_is_then_written(careless, tmp_path):
    folder = tmp_path / "lib" / "portal"
    be_private(folder)
    (folder / "log").write_text("")
    (folder / "backups").mkdir()
    assert open_to_others(tmp_path / "lib") == set()
    assert mode(folder) == 0o700


def test_what_is_open_to_others_is_closed_if_it_exists(careless, tmp_path):
    folder, keys, database = tmp_path / "var", tmp_path / "keys", tmp_path / "portal.sqlite3"
    folder.mkdir()
    keys.mkdir()
    database.touch()
    assert open_to_others(tmp_path) >= {"var", "keys", "portal.sqlite3"}
    be_private(folder, keys, database, tmp_path / "missing")
    assert [mode(path) for path in (folder, keys, database)] == [0o700, 0o700, 0o600]
    assert not (tmp_path / "missing").exists()


def test_a_folder_that_everybody_shares_is_refused_and_left_as_it_is(careless, tmp_path):
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(ImproperlyConfigured, match=r"is shared by all users of this machine. Choose a folder"):
        be_private(shared)
    assert mode(shared) == 0o1777


def test_a_folder_of_somebody_else_is_refused_with_the_command_that_closes_it(careless, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(ImproperlyConfigured, match=f"Its owner must run: chmod go= {folder}$"):
        be_private(folder)


def test_files_that_are_uploaded_are_for_the_owner_alone(tmp_path):
    """Django sets the mode of uploaded files itself, whatever the process would give them."""
    storage = FileSystemStorage(tmp_path / "uploads")
    storage.save("pictures/walk.png", ContentFile(b"picture"))
    assert open_to_others(tmp_path / "uploads") == set()


@pytest.mark.parametrize("database", ["", "sqlite:///{}/elsewhere.sqlite3"])
def test_every_command_closes_the_folder_and_the_database(careless, tmp_path, database):
    folder, kept = tmp_path / "var", tmp_path / "kept"
    url = database.format(kept)
    for made in (folder, kept, folder / "register"):
        made.mkdir()
    path = kept / "elsewhere.sqlite3" if url else folder / "portal.sqlite3"
    path.touch()
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", WRITE],
        cwd=settings.BASE_DIR,
        env=environment(VAR_DIR=folder, DATABASE_URL=url, SECRET_KEY="k" * 50),
        check=True,
        timeout=60,
    )
    assert open_to_others(folder) == set()
    assert mode(path) == 0o600


WRITE = """
from django.conf import settings
from django.db import connection
connection.cursor().execute("CREATE TABLE made (id integer)")
(settings.VAR_DIR / "written").write_text("")
"""
