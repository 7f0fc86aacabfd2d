"""What staff upload: made safe, measured, kept under a name that nobody can guess, sent only once it is published."""

import io
import os
import re
import struct
import time
import zipfile
import zlib

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from programmes.chores import clear_away
from programmes.models import Document, Picture
from programmes.uploads import WIDEST, document, picture
from tests.factories import StoryFactory, UnitFactory
from vru_portal.drafts import obstacles, publish, unpublish
from vru_portal.models import Pending

SOON = 0.5  # seconds within which a bomb is refused


def sent(content, name="a.bin"):
    return SimpleUploadedFile(name, content)


def image(size=(40, 30), mode="RGB", kind="JPEG", colour="teal", **options):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def opened(upload):
    return Image.open(io.BytesIO(upload.file.read()))


# Pictures -------------------------------------------------------------------------------------------------------------

CANARY = b"CANARY-52.4862N"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">CANARY-52.4862N</x:xmpmeta>'


def exif(turned=1):
    found = Image.Exif()
    found[0x0112] = turned
    found[0x010E] = CANARY.decode()
    found.get_ifd(0x8825)[2] = (52.0, 29.0, 10.3)
    return found.tobytes()


def test_a_picture_is_made_as_wide_as_a_page_needs_and_measured():
    made = picture(sent(image((4000, 2000))))
    assert (made.width, made.height) == (WIDEST, 800)
    assert opened(made).size == (WIDEST, 800)
    assert made.size == len(made.file.open().read())
    assert re.fullmatch(r"[0-9a-f]{32}\.jpg", str(made.file.name))
    assert re.fullmatch(r"[0-9a-f]{64}", made.sha256)


def test_a_small_picture_stays_small():
    made = picture(sent(image((40, 30))))
    assert (made.width, made.height) == (40, 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_camera_wrote_into_a_picture_is_left_out(kind):
    profile = b"\0" * 128 + CANARY
    content = image(kind=kind, exif=exif(), icc_profile=profile, xmp=XMP)
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Comment", CANARY.decode())
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        content = image(kind=kind, exif=exif(), icc_profile=profile, pnginfo=info)
    if kind == "JPEG":
        content = image(exif=exif(), icc_profile=profile, xmp=XMP, comment=CANARY)
    if kind != "PNG":  # there the text is packed
        assert CANARY in content
    made = picture(sent(content))
    kept = made.file.open().read()
    assert CANARY not in kept
    found = Image.open(io.BytesIO(kept))
    assert not found.getexif()
    assert {"exif", "xmp", "icc_profile", "comment", "XML:com.adobe.xmp"} & set(found.info) == set()


def test_a_transparent_picture_with_metadata_loses_it_too():
    made = picture(
        sent(image(mode="RGBA", kind="WEBP", colour=(0, 90, 90, 40), exif=exif(), xmp=XMP, icc_profile=CANARY))
    )
    kept = made.file.open().read()
    assert str(made.file.name).endswith(".webp")
    assert CANARY not in kept
    assert Image.open(io.BytesIO(kept)).mode == "RGBA"


def test_a_picture_is_turned_the_way_it_was_taken():
    made = picture(sent(image((40, 30), exif=exif(turned=6))))
    assert (made.width, made.height) == (30, 40)


def test_of_an_animation_the_first_frame_is_kept():
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    found = opened(picture(sent(file.getvalue())))
    assert getattr(found, "n_frames", 1) == 1
    assert found.convert("RGB").getpixel((5, 5))[0] > 200


def test_other_modes_become_ordinary_ones():
    for mode, kind in (("CMYK", "JPEG"), ("L", "PNG"), ("P", "GIF"), ("1", "PNG"), ("LA", "PNG"), ("I;16", "PNG")):
        assert picture(sent(image(mode=mode, kind=kind, colour=0))).width == 40


def png_of(width, height):
    """Return a PNG that states a size and packs as many zeros as that takes into little."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000))
        + chunk(b"IEND", b"")
    )


def gif_of(width, height):
    """Return a GIF that states a size which its one frame does not have."""
    content = image(kind="GIF")
    return content[:6] + struct.pack("<HH", width, height) + content[10:]


BOMBS = {
    "a sound PNG of 42 million pixels": lambda: image((7000, 6000), "1", "PNG", 0),
    "a PNG of 400 million pixels": lambda: png_of(20_000, 20_000),
    "a PNG of 4 thousand million pixels": lambda: png_of(65_000, 65_000),
    "a PNG one pixel high": lambda: png_of(2_000_000_000, 1),
    "a GIF that states 65,535 pixels square": lambda: gif_of(65_535, 65_535),
    "more bytes than are read": lambda: b"\xff\xd8\xff" + b"\0" * 10_000_001,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(name, record_property):
    file = sent(BOMBS[name]())
    begun = time.perf_counter()
    with pytest.raises(ValidationError, match=r"pixels|bytes"):
        picture(file)
    took = time.perf_counter() - begun
    record_property("measured", f"{name} refused after {took:.3f} s")
    assert took < SOON


def scanned(times, size=(6300, 6300)):
    """Return a progressive JPEG whose last scan comes so many times: each adds few bytes, and one more round."""
    content = image(size, progressive=True, quality=1)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * times + b"\xff\xd9"


def chunks(times):
    content = image(kind="PNG")
    return content[:33] + struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt")) * times + content[33:]


def comments(times):
    content = image(kind="GIF")
    frame = content.index(b",\0\0\0\0")
    return content[:frame] + b"!\xfe" + b"\1a" * times + b"\0" + content[frame:]


PIECES = {
    "a JPEG of 150,000 scans": lambda: scanned(150_000),
    "a JPEG of 31 scans": lambda: scanned(31, (40, 30)),
    "a JPEG of 2 million empty segments": lambda: b"\xff\xd8" + b"\xff\xe5\0\2" * 2_000_000 + image()[2:],
    "a JPEG with 9 million bytes of filling": lambda: b"\xff\xd8" + b"\xff" * 9_000_000 + image()[2:],
    "a PNG of 800,000 chunks": lambda: chunks(800_000),
    "a GIF with 4 million pieces of a comment": lambda: comments(4_000_000),
}


@pytest.mark.parametrize("name", PIECES)
def test_a_picture_of_too_many_pieces_is_refused_before_it_is_decoded(name, record_property):
    file = sent(PIECES[name]())
    begun = time.perf_counter()
    with pytest.raises(ValidationError, match="too many pieces"):
        picture(file)
    took = time.perf_counter() - begun
    record_property("measured", f"{name} refused after {took:.3f} s")
    assert took < SOON


def test_as_many_pieces_as_programs_write_are_read():
    thumbnail = b"\xff\xe1" + struct.pack(">H", 60_002) + b"\xff\xda\0\0" * 15_000  # no scans of the picture
    for content in (
        *(scanned(20, (40, 30)), image(progressive=True), image()[:2] + thumbnail + image()[2:]),
        *(image() + b"\xff\xda" * 5_000, chunks(5_000), comments(5_000)),
    ):
        assert picture(sent(content)).width == 40


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<html><script>alert(1)</script></html>",
        b"%PDF-1.7",
        b"BM" + b"\0" * 60,
        b"II*\0" + b"\0" * 60,
        image()[:200],
        image(kind="PNG")[:60],
        b"\x00\x00\x00 ftypavif" + b"\0" * 40,
    ],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(ValidationError, match="Send a JPEG, PNG, WebP or GIF"):
        picture(sent(content, "picture.jpg"))


# Documents ------------------------------------------------------------------------------------------------------------


def packed(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def office(main, *others, types="<Types/>"):
    return packed(**{"[Content_Types].xml": types, main: "<x/>", **dict.fromkeys(others, "x")})


DOCX = office("word/document.xml")


@pytest.mark.parametrize(
    ("content", "name", "ending"),
    [
        (b"%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj", "plan.pdf", "pdf"),
        (b"%PDF-1.7\n1 0 obj <</OpenAction [3 0 R /Fit]>> endobj", "plan.pdf", "pdf"),
        (DOCX, "plan.docx", "docx"),
        (DOCX, "plan.exe", "docx"),
        (office("xl/workbook.xml"), "plan.xlsx", "xlsx"),
        (packed(mimetype="application/vnd.oasis.opendocument.text"), "plan.odt", "odt"),
        (packed(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "plan.ods", "ods"),
        ("Straße,1\n".encode(), "plan.csv", "csv"),
        (b"\xef\xbb\xbfname,sum\n", "plan.CSV", "csv"),
        (b"Words. 2 < 3.", "plan.txt", "txt"),
        (b"Words.", "plan.html", "txt"),
        (b"Words.", "../../etc/passwd", "txt"),
    ],
)
def test_a_document_is_told_by_what_it_is(content, name, ending):
    made = document(sent(content, name))
    assert re.fullmatch(rf"[0-9a-f]{{32}}\.{ending}", str(made.file.name))
    assert made.file.read() == content
    assert made.size == len(content)


SCRIPT = b"4 0 obj <</S/JavaScript/JS(app.alert(1))>> endobj"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"MZ\x90\0", "none of them"),
        (b"\x7fELF", "none of them"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "none of them"),  # a .doc or .xls of old
        (b"<!doctype html><p>x", "none of them"),
        (b"\n  <html>", "none of them"),
        (b"x <script>alert(1)</script>", "none of them"),
        (b"<?xml version='1.0'?><svg/>", "none of them"),
        (b"{\\rtf1 x}", "none of them"),
        (b"a\0b", "none of them"),
        ("“x”".encode("utf-16"), "none of them"),
        (packed(**{"a.txt": "x"}), "none of them"),
        (b"PK\x03\x04 broken", "none of them"),
        (DOCX[:-30], "none of them"),
        (office("word/document.xml", "word/vbaProject.bin"), "run commands"),
        (office("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "run commands"),
        (
            office("xl/workbook.xml", types="<x ContentType='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/>"),
            "run",
        ),
        (packed(mimetype="application/vnd.oasis.opendocument.text", **{"Basic/script-lc.xml": "x"}), "run commands"),
        (b"%PDF-1.7\n" + SCRIPT, "run commands"),
        (b"%PDF-1.7\n" + SCRIPT.replace(b"/JS(", b"/J#53(").replace(b"/JavaScript", b"/J#61vaScript"), "run commands"),
        (b"%PDF-1.7\n4 0 obj <</S/Launch/F(cmd.exe)>> endobj", "run commands"),
        (
            b"%PDF-1.7\n5 0 obj <</Type /ObjStm /Filter /FlateDecode>> stream\r\n"
            + zlib.compress(SCRIPT)
            + b"\nendstream",
            "run commands",
        ),
    ],
)
def test_any_other_document_is_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        document(sent(content, "plan.pdf"))


def test_a_stream_of_a_pdf_that_happens_to_hold_such_letters_is_no_script():
    content = b"%PDF-1.7\n5 0 obj <</Length 12>> stream\nxx /JS (x) /Launcher\nendstream endobj"
    assert str(document(sent(content)).file.name).endswith(".pdf")


def objects(held, filters=b"/Filter/FlateDecode", more=b"", kind=b"/Type/ObjStm"):
    return b"%%PDF-1.7\n5 0 obj<<%s/N 1/First 4%s%s>>stream\n%s\nendstream endobj" % (kind, filters, more, held)


HELD = zlib.compress(b"4 0 " + SCRIPT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n%stream\n" + SCRIPT + b"\n%endstream\n%%EOF", "run commands"),
        (b"%PDF-1.7\n%stream\n4 0 obj <</S/L#61un#63#68>>" + b"\n%endstream", "run commands"),
        (b"%PDF-1.7\n4 0 obj <</S/Rendition/JS(app.alert(1))>> endobj", "run commands"),
        (objects(HELD), "run commands"),
        (objects(HELD, kind=b""), "run commands"),  # not every reader asks what it is
        (objects(HELD, b"/Filter[/FlateDecode]"), "run commands"),
        (b"%PDF-1.7\n%stream\n" + objects(HELD) + b"\n%endstream", "run commands"),
        (objects(HELD.hex().encode(), b"/Filter[/ASCIIHexDecode/FlateDecode]"), "cannot be looked through"),
        (objects(HELD, b"/Filter 7 0 R"), "cannot be looked through"),
        (objects(HELD, b"/Filter/FlateDecode%/Filter"), "cannot be looked through"),
        (objects(HELD, more=b"/DecodeParms<</Predictor 12>>"), "cannot be looked through"),
        (objects(HELD, kind=b"/Type/Obj#53tm", filters=b"/Filter/LZWDecode"), "cannot be looked through"),
        (objects(b"not packed at all"), "cannot be looked through"),
        (objects(zlib.compress(b"4 0 <<>>")[:-5]), "cannot be looked through"),
        (b"%PDF-1.7\ntrailer <</Root 1 0 R/Encrypt 9 0 R>>", "cannot be looked through"),
    ],
)
def test_a_script_that_hides_in_a_pdf_and_what_cannot_be_looked_through_are_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        document(sent(content, "plan.pdf"))


def test_an_ordinary_pdf_with_packed_objects_is_kept():
    packed_one = objects(zlib.compress(b"4 0 <</Type/Catalog/OpenAction[3 0 R/Fit]>>"), more=b"/EncryptMetadata false")
    picture_in_it = b"6 0 obj<</Length 900>>stream\r\n" + zlib.compress(bytes(range(256)) * 3) + b"\r\nendstream"
    assert str(document(sent(packed_one + picture_in_it)).file.name).endswith(".pdf")


MACROS = '<Override PartName="/word/m.bin" ContentType="application/vnd.ms-office.vbaProject"/>'


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (" " * 210_000 + MACROS, "run commands"),
        (MACROS.upper(), "run commands"),
        (" " * 2_000_000 + MACROS, "cannot be looked through"),
        (MACROS.encode("utf-16"), "cannot be looked through"),
        (MACROS.replace("vbaP", "vba&#80;"), "cannot be looked through"),
        ("<!DOCTYPE x [<!ENTITY p 'P'>]>" + MACROS.replace("vbaP", "vba&p;"), "cannot be looked through"),
    ],
    ids=["padded", "in capitals", "too large", "in UTF-16", "a letter as a number", "an entity"],
)
def test_macros_under_another_name_are_found_by_what_a_document_says_of_its_parts(types, message):
    with pytest.raises(ValidationError, match=message):
        document(sent(office("word/document.xml", "word/m.bin", types=types), "plan.docx"))


def test_a_document_that_lists_its_parts_twice_is_refused():
    twice = packed(**{"[Content_Types].xml": "<Types/>", "[content_types].XML": MACROS, "word/document.xml": "<x/>"})
    with pytest.raises(ValidationError, match="cannot be looked through"):
        document(sent(twice, "plan.docx"))


def test_document_bombs_are_refused_soon(record_property):
    million = b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000 + b"PK\x05\x06" + b"\0" * 6 + b"\xff\xff" + b"\0" * 12
    hidden = million.replace(b"\xff\xff", b"\x01\x00")
    zeros = zlib.compress(b"\0" * 15_000_000)
    objects = b"%PDF-1.7" + (b"1 0 obj<</Type/ObjStm/Filter/FlateDecode>> stream\n" + zeros + b"\nendstream ") * 200
    streams = b"%PDF-1.7" + b"stream\n" * 2_000_000
    too_large = b"%PDF-1.7" + b"\0" * 20_000_000
    for name, content in {"entries": million, "hidden entries": hidden, "bytes": too_large}.items():
        begun = time.perf_counter()
        with pytest.raises(ValidationError):
            document(sent(content))
        took = time.perf_counter() - begun
        record_property("measured", f"a document with too many {name} refused after {took:.3f} s")
        assert took < SOON
    small = b"%PDF-1.7" + b"1 0 obj<</Type/ObjStm>>stream\nx\x9c" * 500_000
    for name, content in {"objects": objects, "small streams": small}.items():
        begun = time.perf_counter()
        with pytest.raises(ValidationError, match="cannot be looked through"):
            document(sent(content))
        took = time.perf_counter() - begun
        record_property("measured", f"a PDF with too many {name} refused after {took:.3f} s")
        assert took < 2
    begun = time.perf_counter()
    document(sent(streams))  # nothing is wrong with it but its size
    assert time.perf_counter() - begun < 2


# In the admin, and sent -----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_uploads(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def editor(db):
    user = get_user_model().objects.create_user("editor", is_staff=True)
    names = [f"{verb}_{model}" for verb in ("add", "change", "view") for model in ("picture", "document", "story")]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def upload(client, kind, content, address=None, **fields):
    data = {"title": "A walk", "slug": "a-walk", "file": sent(content, "IMG_0001.jpg"), **fields}
    return client.post(address or f"/admin/programmes/{kind}/add/", data)


def seen_in(page):
    """Return which state of the record a form was opened on."""
    found = re.search(r'name="seen" value="(\w+)"', page.text)
    assert found
    return found[1]


def errors(response):
    return response.context["adminform"].form.errors


@pytest.fixture
def walk(editor):
    UnitFactory()
    assert (
        upload(editor, "picture", image((2000, 1000), exif=exif()), alternative_text="Two walkers").status_code == 302
    )
    return Picture.objects.get()


def test_an_editor_uploads_a_picture_which_begins_as_a_draft(walk, settings):
    assert walk.state == "draft"
    assert (walk.width, walk.height) == (1600, 800)
    files = [path for path in settings.UPLOADS.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [walk.file.name.removeprefix("pictures/")]
    assert files[0].stat().st_size == walk.size
    assert CANARY not in files[0].read_bytes()


def test_the_form_says_what_is_wrong_with_a_file_and_keeps_nothing(editor, settings):
    UnitFactory()
    assert errors(upload(editor, "picture", b"<svg/>"))["file"] == [
        "This is no picture that can be read. Send a JPEG, PNG, WebP or GIF."
    ]
    assert errors(upload(editor, "document", b"MZ\0"))["file"][0].startswith("Send a PDF, DOCX")
    assert errors(editor.post("/admin/programmes/picture/add/", {"title": "x", "slug": "x"}))["file"]
    assert not Picture.objects.exists()
    assert not list(settings.UPLOADS.rglob("*.*"))


def test_a_draft_answers_like_what_never_was_and_to_staff_who_may_see_it(walk, editor, client):
    draft, never = client.get("/pictures/a-walk/"), client.get("/pictures/b-walk/")
    assert (draft.status_code, never.status_code) == (404, 404)
    assert draft.content.replace(b"a-walk", b"b-walk") == never.content
    seen = editor.get("/pictures/a-walk/")
    assert (seen.status_code, seen["Content-Type"], seen["Cache-Control"]) == (200, "image/jpeg", "no-store")
    other = get_user_model().objects.create_user("other", is_staff=True)
    client.force_login(other)
    assert client.get("/pictures/a-walk/").status_code == 404
    get_user_model().objects.filter(username="editor").update(is_active=False)
    assert editor.get("/pictures/a-walk/").status_code == 404


def test_who_has_not_used_a_second_factor_where_one_is_asked_for_sees_no_draft(walk, editor, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    assert editor.get("/pictures/a-walk/").status_code == 404
    publish(walk, by=None)
    assert editor.get("/pictures/a-walk/").status_code == 200


def test_a_published_picture_is_sent_with_strict_headers(walk, client):
    publish(walk, by=None)
    response = client.get("/pictures/a-walk/")
    assert response.status_code == 200
    assert {name: response[name] for name in ("Content-Type", "Content-Disposition", "Content-Security-Policy")} == {
        "Content-Type": "image/jpeg",
        "Content-Disposition": 'inline; filename="a-walk.jpg"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "public, max-age=300"
    assert Image.open(io.BytesIO(response.content)).size == (1600, 800)
    assert client.get("/pictures/a-walk/", headers={"if-none-match": response["ETag"]}).status_code == 304
    head = client.head("/pictures/a-walk/")
    assert (head.status_code, head.content) == (200, b"")
    assert client.post("/pictures/a-walk/").status_code == 405


def test_a_document_is_saved_not_shown(editor, client):
    UnitFactory()
    assert upload(editor, "document", DOCX).status_code == 302
    publish(Document.objects.get(), by=None)
    response = client.get("/documents/a-walk/")
    assert response["Content-Disposition"] == 'attachment; filename="a-walk.docx"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.content == DOCX


@pytest.mark.parametrize("slug", ["..%2f..%2fportal.sqlite3", "..", "a-walk%00", "a-walk/../x", "%2e%2e/%2e%2e"])
def test_no_path_comes_from_an_address(walk, editor, slug):
    assert editor.get(f"/pictures/{slug}/").status_code == 404


def test_a_picture_needs_an_alternative_text_to_be_published(editor):
    UnitFactory()
    upload(editor, "picture", image())
    walk = Picture.objects.get()
    assert "Say in a sentence what the picture shows" in " ".join(obstacles(walk))
    with pytest.raises(ValidationError):
        publish(walk, by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Picture.objects.update(state="published")


def test_a_new_file_of_a_published_picture_waits_and_the_old_one_stays(walk, editor, client):
    publish(walk, by=None)
    before = client.get("/pictures/a-walk/").content
    address = f"/admin/programmes/picture/{walk.pk}/change/"
    seen = seen_in(editor.get(address))
    response = upload(editor, "picture", image((60, 50), colour="red"), address, alternative_text="A path", seen=seen)
    assert response.status_code == 302
    assert client.get("/pictures/a-walk/").content == before
    publish(walk, by=None)
    after = client.get("/pictures/a-walk/")
    assert Image.open(io.BytesIO(after.content)).size == (60, 50)
    walk.refresh_from_db()
    assert (walk.width, walk.size) == (60, len(after.content))


def test_the_form_of_a_picture_shows_it_and_keeps_the_file_where_none_is_sent(walk, editor):
    address = f"/admin/programmes/picture/{walk.pk}/change/"
    page = editor.get(address)
    assert '<img src="/pictures/a-walk/" alt="Two walkers"' in page.text
    seen = seen_in(page)
    data = {"title": "A long walk", "slug": "a-walk", "alternative_text": "Two walkers", "seen": seen}
    assert editor.post(address, data).status_code == 302
    after = Picture.objects.get()
    assert (after.title, after.file.name, after.sha256) == ("A long walk", walk.file.name, walk.sha256)


def test_a_story_shows_its_picture_once_that_is_published(walk, client):
    story = StoryFactory(slug="walked")
    assert "<img" not in client.get("/news/walked/").text
    story.picture = walk
    assert "publish that picture first" in story.lacks()["picture"]
    story.save()
    for address in ("/news/", "/news/walked/"):
        assert "a-walk" not in client.get(address).text
    walk.credit = "Robin Vale"
    walk.save()
    publish(walk, by=None)
    shown = '<img src="/pictures/a-walk/" alt="Two walkers" width="1600" height="800"'
    assert shown in client.get("/news/").text
    page = client.get("/news/walked/").text
    assert shown in page
    assert "Robin Vale" in page
    unpublish(walk, by=None)
    for address in ("/news/", "/news/walked/"):
        assert "a-walk" not in client.get(address).text


def test_the_preview_of_a_draft_is_the_file_and_is_not_kept(walk, editor, client):
    address = f"/admin/programmes/picture/{walk.pk}/preview/"
    assert "?file" in editor.get(address).text
    response = editor.get(f"{address}?file")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in response["Cache-Control"]
    assert client.get("/pictures/a-walk/").status_code == 404


def test_old_files_that_nothing_names_are_dropped_and_no_other(walk, settings):
    folder = settings.UPLOADS / "pictures"
    for name in ("stray.jpg", "young.jpg", "waiting.jpg"):
        (folder / name).write_bytes(b"x")
    Pending.objects.create(
        record=walk, changes={"set": {f"programmes.picture:{walk.pk}": {"file": "pictures/waiting.jpg"}}}
    )
    old = time.time() - 31 * 86_400
    for name in ("stray.jpg", "waiting.jpg", walk.file.name.removeprefix("pictures/")):
        os.utime(folder / name, (old, old))
    assert clear_away() == 1
    assert not (folder / "stray.jpg").exists()
    assert len(list(folder.iterdir())) == 3


def test_a_file_that_is_gone_is_not_found(walk, client, settings):
    publish(walk, by=None)
    (settings.UPLOADS / walk.file.name).unlink()
    assert client.get("/pictures/a-walk/").status_code == 404
