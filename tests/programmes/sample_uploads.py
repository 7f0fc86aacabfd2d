"""Pictures and documents as somebody might send them."""

import io
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

CANARY = b"CANARY-52.4862N"


def sent(content, name="a.bin"):
    return SimpleUploadedFile(name, content)


def image(size=(40, 30), mode="RGB", kind="JPEG", colour="teal", **options):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def exif(turned=1):
    found = Image.Exif()
    found[0x0112] = turned
    found[0x010E] = CANARY.decode()
    found.get_ifd(0x8825)[2] = (52.0, 29.0, 10.3)
    return found.tobytes()


def packed(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # of no time: both workers must name a test alike
    return file.getvalue()


def office(main, *others, types="<Types/>"):
    return packed(**{"[Content_Types].xml": types, main: "<x/>", **dict.fromkeys(others, "x")})


DOCX = office("word/document.xml")
