"""Paper: receipts and texts as tagged PDFs (PDF/UA-1), set by typst from templates/pdf/.

What people wrote reaches a template only as JSON in `sys.inputs`: it is data there, and never becomes code. The same
data give the same bytes, with the fonts that typst brings; nothing is fetched.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any

import segno
import typst
from django.conf import settings
from markdown_it.tree import SyntaxTreeNode

from events.declarations import receipts
from events.declarations.models import DeclarationVersion, Entry
from events.declarations.receipts import day
from events.declarations.words import one_line
from partners.models import Unit
from vru_portal.markdown import parse

LINKS = ("https://", "http://", "mailto:")
WIDE = 108  # characters of the small type on a line of the receipt


def receipt(entry: Entry) -> bytes:
    """Return the receipt of a signature: one sheet of A4."""
    found = receipts.of(entry)
    data = {
        "number": found.number,
        "body": one_line(found.body),
        "title": found.title,
        "unit": found.unit,
        "is_example": found.is_example,
        "address": found.address,
        "qr": qr_code(found.address),
        "facts": [asdict(fact) | {"value": one_line(fact.value), "note": one_line(fact.note)} for fact in found.facts],
        "proof": [{"term": fact.term, "lines": lines(fact.value)} for fact in found.proof],
    }
    return compiled("receipt", json.dumps(data), int(found.recorded_at.timestamp()))


def version(version: DeclarationVersion) -> bytes:
    """Return a wording that is public as a paper for a committee: it holds no link to sign by."""
    unit, first_day = Unit.objects.with_bodies().get(), version.in_force_from
    assert first_day is not None, "a draft has no paper"  # noqa: S101
    data = {
        "title": version.declaration.title,
        "unit": unit.name,
        "is_example": unit.is_example,
        "number": version.number,
        "in_force_from": day(first_day),
        "sha256": version.sha256,
        "address": settings.PORTAL_URL + version.get_absolute_url(),
        "blocks": nested(parse(version.text)),
    }
    return kept("version", json.dumps(data), int(datetime.combine(first_day, time(12), UTC).timestamp()))


@lru_cache(maxsize=8)
def kept(template: str, data: str, timestamp: int) -> bytes:
    """Return a paper that is public: the last few are kept."""
    return compiled(template, data, timestamp)


def compiled(template: str, data: str, timestamp: int) -> bytes:
    """Return a template filled with data as a PDF; characters that no font can draw are named by their numbers."""
    try:
        return set_by_typst(template, data, timestamp)
    except typst.TypstError:
        return set_by_typst(template, json.dumps(drawable(json.loads(data))), timestamp)


def drawable(value: Any) -> Any:
    """Return data in which each character that no font can draw is written as its number."""
    if isinstance(value, str):
        return "".join(c if can_be_drawn(c) else f"[U+{ord(c):04X}]" for c in value)
    if isinstance(value, list):
        return [drawable(part) for part in value]
    return {name: drawable(part) for name, part in value.items()} if isinstance(value, dict) else value


def set_by_typst(template: str, data: str, timestamp: int) -> bytes:
    """Return a template filled with data as a PDF; raises TypstError, also where a character cannot be drawn."""
    folder = settings.BASE_DIR / "templates" / "pdf"
    return typst.compile(
        folder / f"{template}.typ",
        root=folder,
        font_paths=fonts(),
        sys_inputs={"data": data},
        pdf_standards=["ua-1"],
        timestamp=timestamp,
    )


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """Return the fonts that typst brings."""
    return typst.Fonts(include_system_fonts=False)


@lru_cache(maxsize=4096)
def can_be_drawn(character: str) -> bool:
    """Return whether one of the fonts has this character: typst refuses to set it otherwise."""
    source = b'#set document(title: "x")\n#set text(lang: "en")\n#sys.inputs.character'
    try:
        typst.compile(source, font_paths=fonts(), sys_inputs={"character": character}, pdf_standards=["ua-1"])
    except typst.TypstError:
        return False
    return True


def lines(text: str) -> list[str]:
    """Return text that has no blanks to break at in lines that fit."""
    return [line[at : at + WIDE] for line in text.split("\n") for at in range(0, max(len(line), 1), WIDE)]


def qr_code(address: str) -> str:
    """Return an address as a QR code in SVG."""
    return segno.make(address, error="m", micro=False).svg_inline(border=0, dark="#241748")


# Markdown as data -----------------------------------------------------------------------------------------------------


def nested(node: SyntaxTreeNode) -> list[dict[str, Any]]:
    """Return what a part of a text consists of, as data that a template walks."""
    parts: list[dict[str, Any]] = []
    level = 1  # the title's; none is left out below it
    for child in node.children:
        match child.type:
            case "text" | "code_inline" | "code_block" | "fence":
                parts.append({"kind": "text", "text": child.content})
            case "softbreak":
                parts.append({"kind": "text", "text": " "})
            case "hardbreak" | "hr":
                parts.append({"kind": child.type})
            case "heading":
                level = min(int(child.tag[1]) - 1, level + 1)
                parts.append({"kind": "heading", "level": level, "parts": nested(child)})
            case "ordered_list":
                parts.append({"kind": child.type, "start": child.attrs.get("start", 1), "parts": nested(child)})
            case "link" if str(child.attrs["href"]).startswith(LINKS):
                parts.append({"kind": "link", "to": child.attrs["href"], "parts": nested(child)})
            case "paragraph" | "bullet_list" | "list_item" | "blockquote" | "strong" | "em":
                parts.append({"kind": child.type, "parts": nested(child)})
            case _:  # a wrapper, or a picture: its words are its children
                parts += nested(child)
    return parts
