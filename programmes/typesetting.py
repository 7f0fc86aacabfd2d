"""What every document that the unit prints shares: its name, its colours, its marks, and where facts were stated."""

from datetime import UTC, date, datetime, time
from typing import Any

from partners.models import Unit
from programmes.templatetags.programmes import SHAPES
from vru_portal.templatetags.portal import source_note
from vru_portal.text.cleaning import one_line
from vru_portal.text.dates import format_date
from vru_portal.text.markdown import parse
from vru_portal.text.typesetting import markdown_nodes
from vru_portal.web.addresses import full_url

INK, ACCENT = "#241748", "#f2a33a"
SHAPE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-0.5 -0.5 21 21" fill="currentColor">{}</svg>'


def design_data(unit: Unit) -> dict[str, Any]:
    """What templates/pdf/_design.typ asks for."""
    return {
        "unit": unit.name,
        "is_example": unit.is_example,
        "ink": unit.colour_ink if unit.has_colours else INK,
        "accent": unit.colour_accent if unit.has_colours else ACCENT,
        "marks": {mark.value: SHAPE.format(shape) for mark, shape in SHAPES.items()},
    }


def text_nodes(text: str, *, below: int) -> list[dict[str, Any]]:
    """Markdown as data for a template. Its headings come below those of this level."""
    return markdown_nodes(parse(text, heading_above=below)) if text else []


def note_parts(*facts: Any, note: str = "") -> list[dict[str, str]]:
    """The source note of these facts, as text and links: see `source_note`."""
    found = source_note(*facts)
    parts = []
    for day in found["days"]:
        parts.append({"text": f"As at {format_date(day['as_at'])}. ", "to": ""})
        for _, links in day["publications"]:
            for text, address in links:
                parts += [{"text": one_line(text), "to": full_url(address)}, {"text": ", ", "to": ""}]
            parts[-1] = {"text": ". ", "to": ""}
        if day["checked_on"]:
            parts.append({"text": f"Checked by staff on {format_date(day['checked_on'])}. ", "to": ""})
    return [*parts, {"text": note, "to": ""}] if note else parts


def timestamp_of(day: date) -> int:
    """The moment that a document made on this day names: the same for each copy."""
    return int(datetime.combine(day, time(), UTC).timestamp())
