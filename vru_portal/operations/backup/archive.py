"""The archive: a plain tar file of the portal's files, their manifest, and the manifest's SHA-256.

Nothing in it is packed, so it cannot unpack to more than its own size. Whoever reads one accepts exactly the files that
its manifest names, under names that stay inside a folder.
"""

import hashlib
import json
import os
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST, MANIFEST_SUM = "manifest.json", "manifest.json.sha256"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
ERASURES = "register/erased"
KEYS = "keys.encrypted"
FOLDERS = ("uploads", "scans")
MAX_MEMBERS = 1_000_000
LARGEST_MANIFEST = 256 * 2**20  # bytes
CHUNK = 2**20
NAME_PART = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,255}")  # the last are bytes that are no UTF-8


class BackupError(Exception):
    """Why a backup cannot be made or restored: a sentence for the operator."""


@dataclass(frozen=True)
class Member:
    """A file of the archive."""

    size: int
    sha256: str


@dataclass
class Manifest:
    """What the archive says about itself."""

    portal: str  # the version that made it
    made_at: str
    database: str  # Django's name of the vendor
    migrations: list[str]  # those applied, such as "funding.0001_all_tables"
    register_size: int
    checkpoint: str  # the newest; empty where nothing is registered yet
    keys: str = "none"
    members: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT


class HashingReader:
    """Reads a file and adds what it has read to a hash."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.hash = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.stream.read(size)
        self.hash.update(chunk)
        return chunk


# Writing --------------------------------------------------------------------------------------------------------------


class Writer:
    """Writes an archive into an open file."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self.tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - `finish` closes it
        self.manifest = manifest

    def add(self, name: str, path: Path) -> None:
        """Add a file, which must not become shorter meanwhile."""
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            self.manifest.members[name] = Member(size, self.append(name, size, stream))

    def add_content(self, name: str, content: bytes) -> None:
        self.manifest.members[name] = Member(len(content), self.append_content(name, content))

    def append(self, name: str, size: int, stream: IO[bytes]) -> str:
        """Append a file of this size; returns its SHA-256. Raises BackupError for a name that no restore accepts."""
        if not is_member_name(name):
            raise BackupError(
                f"The file {name!r} cannot be in a backup: its name has a control character, a backslash or bytes that "
                "are not UTF-8. Rename it, or delete it, and make the backup again. Nothing was kept."
            )
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(time.time())
        reader = HashingReader(stream)
        self.tar.addfile(info, reader)
        return reader.hash.hexdigest()

    def append_content(self, name: str, content: bytes) -> str:
        return self.append(name, len(content), BytesIO(content))

    def finish(self) -> None:
        """Append the manifest, and its SHA-256 in the form that `sha256sum --check` reads."""
        text = json.dumps(asdict(self.manifest), indent=1, sort_keys=True, ensure_ascii=False)
        digest = self.append_content(MANIFEST, text.encode())
        self.append_content(MANIFEST_SUM, f"{digest}  {MANIFEST}\n".encode())
        self.tar.close()


# Reading --------------------------------------------------------------------------------------------------------------


@dataclass
class Archive:
    """An open archive whose structure is checked. What its files contain is checked as they are copied."""

    file: IO[bytes]
    manifest: Manifest
    offsets: dict[str, int]

    def names_in(self, folder: str) -> list[str]:
        return [name for name in self.manifest.members if name.startswith(f"{folder}/")]

    def copy(self, name: str, into: Path) -> None:
        """Copy a file out of the archive. Raises BackupError where its content is not what the manifest says."""
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            self.read_through(name, out.write)
            out.flush()
            os.fsync(out.fileno())

    def content(self, name: str) -> bytes:
        """The whole of a small file; raises BackupError where it is not what the manifest says."""
        parts: list[bytes] = []
        self.read_through(name, parts.append)
        return b"".join(parts)

    def read_through(self, name: str, use: Callable[[bytes], object]) -> None:
        """Pass a file on, chunk by chunk; raises BackupError at its end unless its SHA-256 is the manifest's."""
        member, digest = self.manifest.members[name], hashlib.sha256()
        self.file.seek(self.offsets[name])
        remaining = member.size
        while remaining and (chunk := self.file.read(min(CHUNK, remaining))):
            remaining -= len(chunk)
            digest.update(chunk)
            use(chunk)
        if remaining or digest.hexdigest() != member.sha256:
            raise BackupError(f"The backup is damaged: {name} does not have the checksum that the manifest states.")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive; raises BackupError, with a sentence, unless the file is a complete backup of this version."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        try:
            headers = list(read_headers(file))
        except tarfile.TarError as error:
            raise BackupError(f"{path} is not a backup, or it is incomplete: {error}.") from error
        names = [header.name for header in headers]
        if names[-2:] != [MANIFEST, MANIFEST_SUM]:
            raise BackupError(f"{path} is not a backup, or it is incomplete: it does not end with its manifest.")
        *members, described, summed = headers
        manifest = parse_manifest(read_at(file, described, LARGEST_MANIFEST), read_at(file, summed, 200))
        offsets = {member.name: member.offset_data for member in members}
        if len(offsets) < len(members):
            raise BackupError("The backup names a file twice. Nothing was restored.")
        if {member.name: member.size for member in members} != {n: m.size for n, m in manifest.members.items()}:
            raise BackupError("The backup does not hold exactly the files that its manifest names.")
        if DATABASES.get(manifest.database) not in offsets:
            raise BackupError("The backup holds no database that this portal knows.")
        yield Archive(file, manifest, offsets)


def read_headers(file: IO[bytes]) -> Iterator[tarfile.TarInfo]:
    """Yield the header of each file. Raises BackupError for anything but plain files with names of a backup."""
    size = os.fstat(file.fileno()).st_size
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for count, header in enumerate(tar, 1):
            tar.members = []  # type: ignore[attr-defined]  # or it would remember all of them
            if count > MAX_MEMBERS:
                raise BackupError(f"The backup has more than {MAX_MEMBERS:,} files, so it is not from a portal.")
            if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or header.sparse:
                raise BackupError(
                    f"The backup holds {header.name!r}, which is a link, a folder or another special file."
                )
            if not is_member_name(header.name):
                raise BackupError(f"The backup holds {header.name!r}, which is not a name that a backup uses.")
            if header.offset_data + header.size > size:
                raise BackupError("The backup is incomplete: its end is missing.")
            yield header


def is_member_name(name: str) -> bool:
    """Whether a backup may hold a file of this name: one of its own, or a path that stays inside a folder of files."""
    if name in (*DATABASES.values(), ERASURES, KEYS, MANIFEST, MANIFEST_SUM):
        return True
    folder, *parts = name.split("/")
    return folder in FOLDERS and bool(parts) and all(NAME_PART.fullmatch(p) and p not in (".", "..") for p in parts)


def read_at(file: IO[bytes], header: tarfile.TarInfo, largest: int) -> bytes:
    if header.size > largest:
        raise BackupError(f"The backup's {header.name} is too large to be one.")
    file.seek(header.offset_data)
    return file.read(header.size)


def parse_manifest(content: bytes, stated: bytes) -> Manifest:
    """Read the manifest; raises BackupError where it is damaged or of another format."""
    if stated != f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode():
        raise BackupError(f"The backup is damaged: {MANIFEST} does not match its checksum.")
    try:
        values: dict[str, Any] = json.loads(content)
        if values["format"] != FORMAT:
            raise BackupError(
                f"The backup has format {values['format']!r}, and this version of the portal reads format {FORMAT}. "
                "Restore it with the version that made it."
            )
        values["members"] = {name: Member(**member) for name, member in values["members"].items()}
        manifest = Manifest(**values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(f"The backup's {MANIFEST} cannot be read.") from error
    if not has_expected_types(manifest):
        raise BackupError(f"The backup's {MANIFEST} cannot be read.")
    return manifest


def has_expected_types(manifest: Manifest) -> bool:
    members = manifest.members.values()
    texts = [manifest.portal, manifest.made_at, manifest.database, manifest.checkpoint, manifest.keys]
    return (
        isinstance(manifest.migrations, list)
        and all(isinstance(text, str) for text in (*texts, *manifest.migrations, *(one.sha256 for one in members)))
        and all(type(number) is int for number in (manifest.register_size, *(one.size for one in members)))
    )
