"""The content of the launch unit and of a made-up unit, as their files state it."""

import re
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from vru_portal.ledger.money import format_pounds, pounds_for_prose

ROOT = Path(settings.BASE_DIR)
LAUNCH_UNIT = ROOT / "fixtures"
RIVERSIDE = ROOT / "tests" / "units" / "riverside"
# Years that are over, in the shape of published ones.
DOWNLAND = ROOT / "tests" / "units" / "downland"
ESTUARY = ROOT / "tests" / "units" / "estuary"
BROCHURE = ROOT.parent / "shared" / "seed" / "brochure.txt"
APPS = ("partners", "programmes", "funding", "events", "declarations")
LAUNCH_DAY = date(2019, 10, 2)
NEVER_PRINTED = ("TBC", "TBA", "00:00", "£0", "unknown", "N/A", "lorem")
CANARY = "canary"


@cache
def records(folder: Path) -> list[dict[str, Any]]:
    """Return every record of a unit's files."""
    texts = [(folder / f"{name}.yaml").read_text(encoding="utf-8") for name in APPS]
    return [entry for text in texts for entry in yaml.load(text, yaml.CSafeLoader)]


def values(folder: Path, model: str, *fields: str) -> list[str]:
    """Return the texts that records of a model have in these fields, line by line."""
    return [
        line.strip()
        for entry in records(folder)
        if entry["model"] == model
        for field in fields
        for line in str(entry["fields"].get(field, "")).splitlines()
        if line.strip()
    ]


# Words of the launch unit that the portal itself may use.
GENERAL = {"Local authorities", "Launch brochure", "Violence Reduction Unit", "VRU", "Police and Crime Commissioner"}


def distinctive_words() -> list[str]:
    """Return what gives the launch unit away anywhere: names, sums, sentences, contact details."""
    amounts = [Decimal(a) for a in values(LAUNCH_UNIT, "funding.fundingsource", "amount")]
    amounts += [Decimal(a) for a in values(LAUNCH_UNIT, "funding.financialyear", "stated_total")]
    words = {
        *values(LAUNCH_UNIT, "partners.organisation", "name", "other_names", "summary"),
        *values(LAUNCH_UNIT, "partners.person", "name", "other_names"),
        *values(LAUNCH_UNIT, "partners.publication", "title"),
        *values(LAUNCH_UNIT, "partners.unit", "region", "slogan", "vision", "description"),
        *values(LAUNCH_UNIT, "partners.contactpoint", "value", "url"),
        *values(LAUNCH_UNIT, "partners.statement", "quote", "summary"),
        *values(LAUNCH_UNIT, "programmes.preventionlevel", "summary", "definition"),
        *values(LAUNCH_UNIT, "programmes.successcondition", "text"),
        *values(LAUNCH_UNIT, "programmes.initiative", "name", "summary", "funded_period"),
        *values(LAUNCH_UNIT, "programmes.predecessor", "title"),
        *values(LAUNCH_UNIT, "programmes.term", "definition"),
        *values(LAUNCH_UNIT, "programmes.passage", "body"),
        *values(LAUNCH_UNIT, "funding.financialyear", "stated_as", "spend_by_stated", "purpose", "gate"),
        *values(LAUNCH_UNIT, "funding.fundingsource", "name", "stated_as", "wording"),
        *values(LAUNCH_UNIT, "events.event", "title", "venue", "place", "summary"),
        *(format_pounds(amount) for amount in amounts),
        *(pounds_for_prose(amount) for amount in amounts),
        *(f"{amount:.0f}" for amount in amounts),
        *(f"{amount:,.0f}" for amount in amounts),
        *(f"{int(amount):_}" for amount in amounts),
        *(f"{amount / 1_000_000:.3f}" for amount in amounts if amount >= 1_000_000),
    }
    return sorted(words - GENERAL, key=str.lower)


def words_found_in(text: str, words: list[str]) -> list[str]:
    """Return the words that are in a text, as whole words; an acronym counts in capitals only."""
    text = " ".join(text.split())
    lower = text.lower()
    return [
        word
        for word in words
        if word.lower() in lower
        and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, 0 if word.isupper() else re.IGNORECASE)
    ]
