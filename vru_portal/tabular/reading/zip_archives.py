"""Reading ZIP files that people send, without unpacking more than the server can bear.

A small ZIP file can unpack to a huge one (a "ZIP bomb"), and its directory can list a million entries. Workbooks and
office documents are ZIP files, so everything that opens one uses these functions.
"""

import zipfile

MAX_MEMBER_SIZE = 1_000_000  # bytes of one file in the archive, once unpacked

_DIRECTORY_ENTRY = b"PK\x01\x02"  # how each entry of the directory begins


def count_directory_entries(content: bytes) -> int:
    """How many entries the directory can have at most.

    It is counted in the bytes because `zipfile` makes an object of each entry as soon as it opens the file. Packed
    data can contain the same four bytes by chance, so the count may be a few too high.
    """
    return content.count(_DIRECTORY_ENTRY)


def read_member(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, max_size: int = MAX_MEMBER_SIZE) -> bytes:
    """Unpack one file, reading at most one byte more than `max_size`: an answer of that length is too large."""
    with archive.open(member) as stream:
        return stream.read(max_size + 1)
