import hashlib
import secrets
from dataclasses import dataclass

from django.core.files.base import ContentFile


@dataclass(frozen=True)
class PreparedFile:
    """A checked file, under a random name that nobody can guess, and what its record states about it."""

    file: ContentFile[bytes]
    size: int  # bytes
    sha256: str
    width: int = 0  # pixels, of a picture
    height: int = 0
    note: str = ""  # for the person who sent it


def prepared_file(content: bytes, extension: str, *, width: int = 0, height: int = 0, note: str = "") -> PreparedFile:
    file = ContentFile(content, f"{secrets.token_hex(16)}.{extension}")
    return PreparedFile(file, len(content), hashlib.sha256(content).hexdigest(), width, height, note)
