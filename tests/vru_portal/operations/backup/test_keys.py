"""The register's keys in a backup: left out, in a file of their own, or encrypted."""

import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from vru_portal.management.commands.backup import parse_key_choice, read_passphrase
from vru_portal.operations.backup import keys, restore
from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.create import KeyChoice, KeyDestination

PASSPHRASE = "correct horse battery"  # noqa: S105 - it opens nothing


@pytest.fixture(autouse=True)
def register(settings, tmp_path):
    """The folder of a register with one key."""
    settings.EMBEDDED, settings.VAR_DIR = True, tmp_path / "var"
    settings.REGISTER_KEYS.mkdir()
    settings.VAR_DIR.mkdir()
    settings.SECOND_FACTOR_KEYS = settings.VAR_DIR / "second-factor-keys"
    (settings.VAR_DIR / "secret-key").write_text("s" * 50)
    (settings.VAR_DIR / "second-factor-keys").write_text("f" * 44)
    (settings.REGISTER_KEYS / "0badcafe.key").write_text("11" * 32)
    (settings.REGISTER_KEYS / "checkpoint").write_text("name\n3\nroot\n\nsignature\n")
    (settings.REGISTER_KEYS / "notes.txt").write_text("not a key")
    return settings.REGISTER_KEYS


def test_they_are_written_to_a_file_of_their_own_and_read_again(tmp_path):
    keys.write_keys(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    found = keys.read_keys_file(tmp_path / "keys")
    assert sorted(found.files) == ["register/0badcafe.key", "register/checkpoint", "second-factor-keys", "secret-key"]
    assert found.signing == {"register/0badcafe.key": b"11" * 32}
    with pytest.raises(BackupError, match="cannot be written: File exists"):
        keys.write_keys(tmp_path / "keys")


def test_encrypted_only_the_passphrase_opens_them():
    hidden = keys.encrypt(keys.read_keys(), PASSPHRASE)
    assert b"11" * 32 not in hidden
    assert keys.decrypt(hidden, PASSPHRASE) == keys.read_keys()
    altered = hidden[:80] + bytes([hidden[80] ^ 1]) + hidden[81:]  # not the last byte: Base64 may not read all its bits
    for content, passphrase in ((hidden, "correct horse batter"), (altered, PASSPHRASE), (b"", PASSPHRASE)):
        with pytest.raises(BackupError, match="The passphrase is not the one"):
            keys.decrypt(content, passphrase)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"vru_portal_keys": {"register/0badcafe.key": "?"}}', b"[" * 100_000],
    ids=lambda value: value[:20],
)
def test_another_file_is_not_accepted_as_keys(tmp_path, content):
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(BackupError, match="cannot be read"):
        keys.read_keys_file(tmp_path / "keys")


@pytest.mark.parametrize("name", ["../portal.sqlite3", "register/../x.key", "/etc/passwd", "register/notes.txt"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(BackupError, match="which is not a portal's key"):
        keys.Keys.load(json.dumps({"vru_portal_keys": {name: ""}}).encode())


def test_a_key_never_replaces_another_of_its_name(register):
    with pytest.raises(BackupError, match="is another key than the one in the backup"):
        restore.check_keys(keys.Keys({"register/0badcafe.key": b"22" * 32}))
    restore.check_keys(keys.Keys({"register/0badcafe.key": b"11" * 32}))


def test_the_words_after_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKUP_PASSPHRASE", PASSPHRASE)
    assert parse_key_choice(["none"], None) == KeyChoice()
    assert parse_key_choice(["separately", "x"], None) == KeyChoice(KeyDestination.SEPARATELY, path=Path("x"))
    assert parse_key_choice(["included"], None) == KeyChoice(KeyDestination.INCLUDED, passphrase=PASSPHRASE)
    for words in (["separately"], ["included", "x"], ["all"]):
        with pytest.raises(CommandError, match="Write --keys none"):
            parse_key_choice(words, None)


def test_a_passphrase_comes_from_a_file_or_the_environment_and_is_long_enough(tmp_path, monkeypatch):
    monkeypatch.delenv("BACKUP_PASSPHRASE", raising=False)
    with pytest.raises(CommandError, match="The keys need a passphrase"):
        read_passphrase(None)
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\na remark\n")
    assert read_passphrase(tmp_path / "passphrase") == PASSPHRASE
    with pytest.raises(CommandError, match="cannot be read"):
        read_passphrase(tmp_path / "none")
    monkeypatch.setenv("BACKUP_PASSPHRASE", "short")
    with pytest.raises(BackupError, match="at least 12 characters"):
        parse_key_choice(["included"], None)
