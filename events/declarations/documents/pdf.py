"""Receipts and declaration texts as tagged PDFs."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from functools import lru_cache

from events.declarations.documents import receipts
from events.declarations.models import DeclarationVersion, Entry
from partners.models import Unit
from vru_portal.text.cleaning import one_line
from vru_portal.text.dates import format_date
from vru_portal.text.markdown import parse
from vru_portal.text.typesetting import compile_pdf, markdown_nodes, qr_code_svg
from vru_portal.web.addresses import full_url

PROOF_LINE_LENGTH = 108  # characters of the small type on a line of the receipt


def render_receipt_pdf(entry: Entry) -> bytes:
    """The receipt of a signature, on one page of A4."""
    receipt = receipts.build_receipt(entry)
    data = {
        "number": receipt.number,
        "organisation": one_line(receipt.organisation),
        "title": receipt.title,
        "unit": receipt.unit,
        "is_example": receipt.is_example,
        "address": receipt.address,
        "qr": qr_code_svg(receipt.address),
        "lines": [
            asdict(line) | {"value": one_line(line.value), "note": one_line(line.note)} for line in receipt.lines
        ],
        "proof": [{"term": line.term, "lines": hard_wrap(line.value)} for line in receipt.proof],
    }
    return compile_pdf("receipt", json.dumps(data), int(receipt.recorded_at.timestamp()))


def render_version_pdf(version: DeclarationVersion) -> bytes:
    """A published text, for a committee to pass round. It contains no link to sign with."""
    unit, first_day = Unit.objects.with_organisations().get(), version.in_force_from
    assert first_day is not None, "drafts have no PDF"  # noqa: S101
    data = {
        "title": version.declaration.title,
        "unit": unit.name,
        "is_example": unit.is_example,
        "number": version.number,
        "in_force_from": format_date(first_day),
        "sha256": version.sha256,
        "address": full_url(version.get_absolute_url()),
        "blocks": markdown_nodes(parse(version.text, heading_above=1)),
    }
    return cached_pdf("version", json.dumps(data), int(datetime.combine(first_day, time(12), UTC).timestamp()))


@lru_cache(maxsize=8)
def cached_pdf(template: str, data: str, timestamp: int) -> bytes:
    """Compile a public PDF, or take it from memory: the last few are kept, receipts (personal data) never."""
    return compile_pdf(template, data, timestamp)


def hard_wrap(text: str) -> list[str]:
    """Split text without spaces, such as hashes, into lines that fit."""
    return [
        line[at : at + PROOF_LINE_LENGTH]
        for line in text.split("\n")
        for at in range(0, max(len(line), 1), PROOF_LINE_LENGTH)
    ]
