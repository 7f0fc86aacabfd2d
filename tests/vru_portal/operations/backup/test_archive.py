"""What a restore accepts: complete archives made by the portal, and no other file."""

import hashlib
import io
import json
import os
import tarfile
from dataclasses import asdict
from typing import IO, cast

import pytest

from vru_portal.operations.backup import archive
from vru_portal.operations.backup.archive import BackupError, Manifest, Writer, open_archive

CONTENT = b"%PDF-1.7 a scan\n" * 3000


def new_manifest():
    return Manifest("0.1.0", "2031-05-07T10:00:00Z", "sqlite", ["partners.0001_initial"], 3, "note")


@pytest.fixture
def whole(tmp_path):
    """A backup that nothing is wrong with."""
    (tmp_path / "database").write_bytes(b"SQLite format 3\0" * 1000)
    (tmp_path / "scan").write_bytes(CONTENT)
    path = tmp_path / "whole.tar"
    with path.open("wb") as file:
        writer = Writer(file, new_manifest())
        writer.add("database.sqlite3", tmp_path / "database")
        writer.add("scans/2031/a scan \N{EM DASH} 1.pdf", tmp_path / "scan")
        writer.finish()
    return path


def unpack(path, folder):
    with open_archive(path) as opened:
        for name in opened.manifest.members:
            opened.copy(name, folder / name)
        return opened.manifest


def test_what_was_put_in_comes_out(whole, tmp_path):
    manifest = unpack(whole, tmp_path / "out")
    assert (tmp_path / "out" / "scans/2031/a scan \N{EM DASH} 1.pdf").read_bytes() == CONTENT
    assert (manifest.register_size, manifest.checkpoint, manifest.keys) == (3, "note", "none")
    assert whole.stat().st_size > len(CONTENT)


def test_other_programs_read_it(whole):
    with tarfile.open(whole) as tar:
        assert [member.mode for member in tar] == [0o600] * 4
        contents = {member.name: cast(IO[bytes], tar.extractfile(member)).read() for member in tar}
    stated, _, name = contents["manifest.json.sha256"].decode().strip().partition("  ")
    assert hashlib.sha256(contents[name]).hexdigest() == stated


def test_no_byte_of_a_file_or_the_manifest_can_change_unnoticed(whole, tmp_path):
    content = whole.read_bytes()
    with tarfile.open(whole) as tar:
        places = [member.offset_data + member.size // 2 for member in tar]
    assert len(places) == 4
    for count, place in enumerate(places):
        whole.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BackupError, match=r"damaged: .* checksum"):
            unpack(whole, tmp_path / f"out{count}")


def test_one_that_was_cut_off_anywhere_is_incomplete(whole, tmp_path):
    content = whole.read_bytes()
    with tarfile.open(whole) as tar:
        end = tar.getmembers()[-1].offset_data
    for length in (0, 100, 512, 5000, len(CONTENT), end - 1000, end - 512, end):
        whole.write_bytes(content[:length])
        with pytest.raises(BackupError, match=r"incomplete|is not a backup"), open_archive(whole):
            pass


def archive_of(path, *members, manifest=None, **changes):
    """An archive of these headers and contents, whose manifest is right about them except for these changes."""
    described = asdict(new_manifest()) | {
        "members": {
            member.name: {"size": member.size, "sha256": hashlib.sha256(content).hexdigest()}
            for member, content in members
        }
    }
    text = json.dumps(described | changes).encode() if manifest is None else manifest
    digest = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
    with tarfile.open(path, "w") as tar:
        for member, content in (*members, file("manifest.json", text), file("manifest.json.sha256", digest)):
            tar.addfile(member, io.BytesIO(content))
    return path


def file(name, content=b"SQLite", **values):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in values.items():
        setattr(info, key, value)
    return info, content


DATABASE = file("database.sqlite3")
SPARSE = {"major": "1", "minor": "0", "name": "scans/x", "realsize": "4096"}


@pytest.mark.parametrize(
    "name",
    [
        "../portal.sqlite3",
        "/etc/passwd",
        "scans/../../portal.sqlite3",
        "scans/./x",
        "scans//x",
        "scans",
        "uploads/a\\b",
        "uploads/a\nb",
        "secret-key",
        "register/0badcafe.key",
        "scans/" + "x" * 300,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    path = archive_of(tmp_path / "hostile.tar", DATABASE, file(name))
    with pytest.raises(BackupError, match="is not a name that a backup uses"), open_archive(path):
        pass


NAMES = ["uploads/a\\b", "uploads/a\nb", "uploads/a\x7fb", os.fsdecode(b"uploads/a\xffb"), "uploads/Ünä & co.pdf"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_backup_takes_exactly_the_names_that_a_restore_takes(tmp_path, name):
    (tmp_path / "content").write_bytes(CONTENT)
    with (tmp_path / "written.tar").open("wb") as file:
        writer = Writer(file, new_manifest())
        writer.add("database.sqlite3", tmp_path / "content")
        if name != NAMES[-1]:
            with pytest.raises(BackupError, match="cannot be in a backup: its name has"):
                writer.add(name, tmp_path / "content")
            return
        writer.add(name, tmp_path / "content")
        writer.finish()
    with open_archive(tmp_path / "written.tar") as opened:
        assert opened.names_in("uploads") == [name]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_a_folder_and_a_device_are_refused(tmp_path, kind):
    hostile = file("scans/x", b"", type=kind, linkname="/etc/passwd")
    path = archive_of(tmp_path / "hostile.tar", DATABASE, hostile)
    with pytest.raises(BackupError, match="another special file"), open_archive(path):
        pass


def test_a_sparse_file_which_unpacks_to_more_than_there_is_is_refused(tmp_path):
    info, content = file("scans/x", b"1\n0\n1\n".ljust(513, b"\0"))
    info.pax_headers = {f"GNU.sparse.{name}": value for name, value in SPARSE.items()}
    path = archive_of(tmp_path / "bomb.tar", DATABASE, (info, content))
    with pytest.raises(BackupError, match="another special file"), open_archive(path):
        pass


@pytest.mark.parametrize("mode", ["w:gz", "w:xz"])
def test_a_compressed_archive_is_not_a_backup(whole, tmp_path, mode):
    packed = tmp_path / "packed.tar"
    with tarfile.open(packed, mode) as tar:
        tar.add(whole, "database.sqlite3")
    with pytest.raises(BackupError, match="is not a backup"), open_archive(packed):
        pass


def test_more_files_than_any_portal_has_are_refused_before_they_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)
    path = archive_of(tmp_path / "bomb.tar", DATABASE, *(file(f"scans/{number}") for number in range(20)))
    with pytest.raises(BackupError, match="more than 20 files"), open_archive(path):
        pass


def test_a_file_that_the_manifest_does_not_name_or_names_with_another_size_is_refused(tmp_path):
    stated = {"size": 6, "sha256": hashlib.sha256(b"SQLite").hexdigest()}
    for members in (
        {"database.sqlite3": stated},
        {"database.sqlite3": stated, "scans/x": stated, "scans/y": stated},
        {"database.sqlite3": stated, "scans/x": stated | {"size": 7}},
    ):
        path = archive_of(tmp_path / "hostile.tar", DATABASE, file("scans/x"), members=members)
        with pytest.raises(BackupError, match="exactly the files"), open_archive(path):
            pass


def test_a_file_that_is_there_twice_is_refused(tmp_path):
    path = archive_of(tmp_path / "hostile.tar", DATABASE, file("scans/x"), file("scans/x"))
    with pytest.raises(BackupError, match="twice"), open_archive(path):
        pass


def test_another_format_names_both(tmp_path):
    path = archive_of(tmp_path / "later.tar", DATABASE, format=2)
    with pytest.raises(BackupError, match=r"has format 2, and this version of the portal reads format 1\."):
        open_archive(path).__enter__()


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[]", b"{}", b"\xff", b'{"format": 1}', b'{"format": 1, "members": {"x": 3}}', b"[" * 100_000],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_one_sentence(tmp_path, manifest):
    path = archive_of(tmp_path / "hostile.tar", DATABASE, manifest=manifest)
    with pytest.raises(BackupError, match=r"manifest\.json cannot be read"), open_archive(path):
        pass


@pytest.mark.parametrize(
    "change", [{"register_size": "3"}, {"checkpoint": 3}, {"migrations": "x"}, {"migrations": [3]}]
)
def test_a_manifest_whose_values_are_of_another_type_is_one_sentence(tmp_path, change):
    path = archive_of(tmp_path / "hostile.tar", DATABASE, **change)
    with pytest.raises(BackupError, match=r"manifest\.json cannot be read"), open_archive(path):
        pass


def test_one_without_a_database_is_refused(tmp_path):
    path = archive_of(tmp_path / "hostile.tar", file("scans/x"))
    with pytest.raises(BackupError, match="no database"), open_archive(path):
        pass


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(BackupError, match="cannot be read: No such file"), open_archive(tmp_path / "none.tar"):
        pass
