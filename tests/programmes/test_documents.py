"""Documents that staff upload: recognised by their content, and refused if they can run commands."""

import io
import re
import struct
import zlib

import pikepdf
import pytest
from django.core.exceptions import ValidationError

from programmes.uploads.documents import prepare_document
from tests.programmes.sample_uploads import DOCX, office, packed, sent
from tests.support.processor_time import soon


def pdf(*bodies, catalog=b"", compressed=()):
    """Write a sound PDF: a catalog, a tree of pages, then these objects, and those compressed into the last of them."""
    bodies = (b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog, b"<</Type/Pages/Kids[]/Count 0>>", *bodies)
    content, entries = b"%PDF-1.7\n", [struct.pack(">BIH", 0, 0, 65_535)]
    for number, body in enumerate(bodies, 1):
        entries.append(struct.pack(">BIH", 1, len(content), 0))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries += [struct.pack(">BIH", 2, stream, index) for stream, index in compressed]
    entries.append(struct.pack(">BIH", 1, len(content), 0))
    size, table = len(entries), b"".join(entries)
    header = b"/Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Length %d" % (size, len(table))
    end = b"startxref\n%d\n%%%%EOF\n" % len(content)
    return content + b"%d 0 obj\n<<%s>>stream\n%s\nendstream\nendobj\n" % (size - 1, header, table) + end


def pdf_with_direct_catalog(more):
    """Write a valid PDF whose catalog is in the trailer itself, not a separate object."""
    pages = b"%PDF-1.7\n1 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    table = b"xref\n0 2\n0000000000 65535 f \n%010d 00000 n \n" % pages.index(b"1 0 obj")
    trailer = b"trailer\n<</Size 2/Root<</Type/Catalog/Pages 1 0 R%s>>>>\n" % more
    return pages + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(pages)


def stream(held, more=b""):
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (more, len(held), held)


@pytest.mark.parametrize(
    ("content", "name", "ending"),
    [
        (pdf(), "plan.pdf", "pdf"),
        (pdf_with_direct_catalog(b""), "plan.pdf", "pdf"),
        (pdf(catalog=b"/OpenAction[3 0 R/Fit]"), "plan.pdf", "pdf"),
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
def test_the_type_of_a_document_follows_from_its_content(content, name, ending):
    made = prepare_document(sent(content, name))
    assert re.fullmatch(rf"[0-9a-f]{{32}}\.{ending}", str(made.file.name))
    assert made.file.read() == content
    assert made.size == len(content)


SCRIPT = b"4 0 obj <</S/JavaScript/JS(app.alert(1))>> endobj"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"MZ\x90\0", "not one of these"),
        (b"\x7fELF", "not one of these"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not one of these"),  # a .doc or .xls of old
        (b"<!doctype html><p>x", "not one of these"),
        (b"\n  <html>", "not one of these"),
        (b"x <script>alert(1)</script>", "not one of these"),
        (b"<?xml version='1.0'?><svg/>", "not one of these"),
        (b"{\\rtf1 x}", "not one of these"),
        (b"a\0b", "not one of these"),
        ("“x”".encode("utf-16"), "not one of these"),
        (packed(**{"a.txt": "x"}), "not one of these"),
        (b"PK\x03\x04 broken", "not one of these"),
        (DOCX[:-30], "not one of these"),
        (office("word/document.xml", "word/vbaProject.bin"), "can run commands"),
        (office("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "can run commands"),
        (
            office("xl/workbook.xml", types="<x ContentType='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/>"),
            "run",
        ),
        (
            packed(mimetype="application/vnd.oasis.opendocument.text", **{"Basic/script-lc.xml": "x"}),
            "can run commands",
        ),
    ],
)
def test_any_other_document_is_refused(content, message):
    with pytest.raises(ValidationError, match=message):
        prepare_document(sent(content, "plan.pdf"))


@pytest.mark.parametrize(
    "body",
    [
        stream(b"xx /JavaScript (x) /Launch"),
        b"<</Title(How to /Launch a /JavaScript course)>>",
        b"<</Type/Action/S/URI/URI(https://example.org/)>>",
        b"42",
    ],
)
def test_words_in_the_text_of_a_pdf_and_ordinary_actions_are_no_script(body):
    assert str(prepare_document(sent(pdf(body))).file.name).endswith(".pdf")


def objects(held, filters=b"/Filter/FlateDecode", more=b"", kind=b"/Type/ObjStm"):
    return b"%%PDF-1.7\n5 0 obj<<%s/N 1/First 4%s%s>>stream\n%s\nendstream endobj" % (kind, filters, more, held)


HELD = zlib.compress(b"4 0 " + SCRIPT)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n" + SCRIPT,
        b"%PDF-1.7\n" + SCRIPT.replace(b"/JS(", b"/J#53(").replace(b"/JavaScript", b"/J#61vaScript"),
        b"%PDF-1.7\n4 0 obj <</S/Launch/F(cmd.exe)>> endobj",
        b"%PDF-1.7\n4 0 obj <</S/Rendition/JS(app.alert(1))>> endobj",
        b"%PDF-1.7\n%stream\n" + SCRIPT + b"\n%endstream\n%%EOF",
        b"%PDF-1.7\n%stream\n4 0 obj <</S/L#61un#63#68>>" + b"\n%endstream",
        objects(HELD),
        objects(HELD, kind=b""),  # not every reader asks what it is
        objects(HELD, b"/Filter[/FlateDecode]"),
        b"%PDF-1.7\n%stream\n" + objects(HELD) + b"\n%endstream",
        objects(HELD.hex().encode(), b"/Filter[/ASCIIHexDecode/FlateDecode]"),
        objects(HELD, b"/Filter 7 0 R"),
        objects(HELD, b"/Filter/FlateDecode%/Filter"),
        objects(HELD, more=b"/DecodeParms<</Predictor 12>>"),
        objects(HELD, kind=b"/Type/Obj#53tm", filters=b"/Filter/LZWDecode"),
        objects(b"not packed at all"),
        objects(zlib.compress(b"4 0 <<>>")[:-5]),
        b"%PDF-1.7\ntrailer <</Root 1 0 R/Encrypt 9 0 R>>",
        pdf()[:-30] + SCRIPT,
    ],
)
def test_a_pdf_that_a_reader_would_have_to_repair_is_refused(content):
    """What a repair brings to light depends on the reader: no check here could foresee it."""
    with pytest.raises(ValidationError, match="cannot be checked"):
        prepare_document(sent(content, "plan.pdf"))


def packed_into(held, filters=b"/Filter/FlateDecode"):
    """A PDF whose fourth object is held, compressed, by its third."""
    return pdf(stream(held, b"/Type/ObjStm/N 1/First 4" + filters), compressed=[(3, 0)])


LAUNCH = b"<</S/Launch/F(cmd.exe)>>"


@pytest.mark.parametrize(
    "content",
    [
        pdf(b"<</S/JavaScript/JS(app.alert(1))>>"),
        pdf(b"<</S/J#61vaScript/J#53(app.alert(1))>>"),
        pdf(LAUNCH),
        pdf(b"[[<</Next[%s]>>]]" % LAUNCH),
        pdf(b"<</S/Rendition/JS(app.alert(1))>>"),
        pdf(b"<</Subtype/RichMedia>>"),
        pdf(stream(b"x", b"/Type/EmbeddedFile")),
        pdf(b"<</Type/Filespec/EF<</F 4 0 R>>>>"),
        pdf(catalog=b"/OpenAction" + LAUNCH),
        pdf_with_direct_catalog(b"/OpenAction" + LAUNCH),
        pdf_with_direct_catalog(b"/AA<</WC<</S/JavaScript/JS(app.alert(1))>>>>"),
        pdf(catalog=b"/AcroForm<</XFA[(form)3 0 R]>>"),
        pdf(b"<</S/SubmitForm/F(https://elsewhere.example)>>"),
        pdf(b"<</S/ImportData/F(x.fdf)>>"),
        pdf(catalog=b"/Names<</JavaScript<</Names[]>>>>"),
        packed_into(zlib.compress(b"4 0 " + LAUNCH)),
        packed_into(zlib.compress(b"4 0 " + LAUNCH).hex().encode(), b"/Filter[/ASCIIHexDecode/FlateDecode]"),
        packed_into(b"4 0 " + LAUNCH, b""),
    ],
)
def test_a_sound_pdf_that_acts_by_itself_or_carries_files_is_refused(content):
    with pytest.raises(ValidationError, match="can run commands"):
        prepare_document(sent(content, "plan.pdf"))


def saved(**options):
    file = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        saved(encryption=pikepdf.Encryption(owner="secret", user="")),
        saved(encryption=pikepdf.Encryption(owner="secret", user="secret")),
        saved()[:-30],
        packed_into(b"not packed at all"),
    ],
    ids=["readable by all", "with a password", "cut off", "not packed"],
)
def test_a_pdf_that_is_encrypted_or_damaged_is_refused(content):
    with pytest.raises(ValidationError, match="cannot be checked"):
        prepare_document(sent(content, "plan.pdf"))


@pytest.mark.parametrize(
    "content",
    [
        packed_into(zlib.compress(b"4 0 <</OpenAction[3 0 R/Fit]>>")),
        saved(object_stream_mode=pikepdf.ObjectStreamMode.generate),
        saved(linearize=True),
    ],
    ids=["by hand", "by a program", "linearized"],
)
def test_an_ordinary_pdf_is_kept_as_it_is(content):
    assert prepare_document(sent(content)).file.read() == content


MACROS = '<Override PartName="/word/m.bin" ContentType="application/vnd.ms-office.vbaProject"/>'


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (" " * 210_000 + MACROS, "can run commands"),
        (MACROS.upper(), "can run commands"),
        (" " * 2_000_000 + MACROS, "cannot be checked"),
        (MACROS.encode("utf-16"), "cannot be checked"),
        (MACROS.replace("vbaP", "vba&#80;"), "cannot be checked"),
        ("<!DOCTYPE x [<!ENTITY p 'P'>]>" + MACROS.replace("vbaP", "vba&p;"), "cannot be checked"),
    ],
    ids=["padded", "in capitals", "too large", "in UTF-16", "a letter as a number", "an entity"],
)
def test_macros_under_another_name_are_found_by_the_types_of_the_documents_parts(types, message):
    with pytest.raises(ValidationError, match=message):
        prepare_document(sent(office("word/document.xml", "word/m.bin", types=types), "plan.docx"))


def test_a_document_that_lists_its_parts_twice_is_refused():
    twice = packed(**{"[Content_Types].xml": "<Types/>", "[content_types].XML": MACROS, "word/document.xml": "<x/>"})
    with pytest.raises(ValidationError, match="cannot be checked"):
        prepare_document(sent(twice, "plan.docx"))


def refuse(content, message=None):
    """Assert that a document is refused, and soon."""
    with soon(), pytest.raises(ValidationError, match=message):
        prepare_document(sent(content))


def test_document_bombs_are_refused_soon():
    million = b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000 + b"PK\x05\x06" + b"\0" * 6 + b"\xff\xff" + b"\0" * 12
    hidden = million.replace(b"\xff\xff", b"\x01\x00")
    too_large = b"%PDF-1.7" + b"\0" * 20_000_000
    for content in (million, hidden, too_large):
        refuse(content)


ZEROS = zlib.compress(b"\0" * 15_000_000)
LARGE = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(ZEROS), ZEROS)
BOMBS_IN_PDF = {
    "large streams, damaged": lambda: b"%PDF-1.7" + (b"1 0 obj" + LARGE + b" endobj ") * 200,
    "large streams": lambda: pdf(*[LARGE] * 200, compressed=[(number, 0) for number in range(3, 203)]),
    "one stream of a gigabyte": lambda: packed_into(zlib.compress(b"\0" * 1_000_000_000, 1)),
    "small streams": lambda: b"%PDF-1.7" + b"1 0 obj<</Type/ObjStm>>stream\nx\x9c" * 500_000,
    "words": lambda: b"%PDF-1.7" + b"stream\n" * 2_000_000,
    "nested arrays": lambda: pdf(b"[" * 100_000 + b"]" * 100_000),
}


@pytest.mark.parametrize("name", BOMBS_IN_PDF)
def test_a_pdf_that_takes_too_long_to_be_checked_is_refused(name):
    refuse(BOMBS_IN_PDF[name](), "cannot be checked")


def test_a_check_of_a_pdf_that_does_not_end_is_ended(monkeypatch, tmp_path):
    """Should qpdf run in circles, the inspector is stopped, and the file is refused."""
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr("programmes.uploads.pdf.INSPECTOR", endless)
    monkeypatch.setattr("programmes.uploads.pdf.MAX_SECONDS", 0.2)
    refuse(pdf(), "cannot be checked")
