"""360Giving files, as other funders publish them: what of each grant is read, from JSON and from a spreadsheet.

https://standard.threesixtygiving.org. A file may have any number of other columns; they are not read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from funding.regranting.rules.recording import INDIVIDUAL
from vru_portal.tabular.readers import CSV, JSON

# What a grant is described by when it is reported: the columns of a file, and the fields of the form.
FIELDS = (
    *("recipient", "amount", "awarded_on", "title", "description"),
    *("reference", "recipient_org_id", "area", "area_code", "url"),
)
TIME_OF_DAY = re.compile(r"(?<=\d)[Tt]\d\d:.*", re.ASCII | re.DOTALL)
# The columns of onward grants, and the path to each value in the JSON of a grant.
PATHS: dict[str, tuple[str | int, ...]] = {
    "reference": ("id",),
    "recipient": ("recipientOrganization", 0, "name"),
    "recipient_org_id": ("recipientOrganization", 0, "id"),
    "individual": ("recipientIndividual", "id"),
    "currency": ("currency",),
    "amount": ("amountAwarded",),
    "awarded_on": ("awardDate",),
    "title": ("title",),
    "description": ("description",),
    "area": ("beneficiaryLocation", 0, "name"),
    "area_code": ("beneficiaryLocation", 0, "geoCode"),
    "url": ("url",),
    "related": ("relatedActivity",),
}
# Headings that mean these columns: those of the standard for a spreadsheet, and what people write. Some tools number
# the parts of a list from 0, some leave out the number.
HEADINGS = {
    "reference": ("identifier", "id", "grant id"),
    "recipient": (
        *("recipient org:0:name", "recipient org:name", "recipient organisation", "recipient name"),
        *("grantee", "grantee name", "grant recipient", "organisation", "organisation name", "awarded to"),
    ),
    "recipient_org_id": ("recipient org:0:identifier", "recipient org:identifier"),
    "individual": (
        *("recipient ind:0:identifier", "recipient ind:identifier", "recipient individual:identifier"),
        "recipient individual:0:identifier",
    ),
    "amount": ("amount awarded", "grant amount"),
    "awarded_on": ("award date", "date awarded", "date of award"),
    "area": ("beneficiary location:0:name", "beneficiary location:name", "beneficiary location", "ward"),
    "area_code": ("beneficiary location:0:geographic code", "beneficiary location:geographic code"),
    "url": ("web address", "grant url"),
    "related": ("related activity", "related activity:0"),
}


def as_typed(row: Mapping[str, str]) -> dict[str, str]:
    """A row of a file as somebody would type it: a grant to a person has no name, and an award no time of day.

    A sum in another currency keeps its name, so that it is not taken for pounds.
    """
    typed = {name: row.get(name, "") for name in FIELDS}
    if row.get("individual"):
        typed["recipient"] = INDIVIDUAL
    if (currency := row.get("currency", "").upper()) not in ("", "GBP"):
        typed["amount"] = f"{typed['amount']} {currency}".strip()
    typed["awarded_on"] = day_of(typed["awarded_on"])
    return typed


def day_of(text: str) -> str:
    """The day of an ISO 8601 date and time; any other text, such as 1 OCT 2031, as it is."""
    return TIME_OF_DAY.sub("", text)


class GivingCSV(CSV):
    """A 360Giving file as CSV, which has a column for each part of the standard that its publisher uses."""

    max_columns = 200


class GivingJSON(JSON):
    """A 360Giving file as JSON: a package with grants."""

    def rows_of(self, content: Any) -> Any:
        grants = content.get("grants") if isinstance(content, dict) else content
        if not isinstance(grants, list) or not all(isinstance(grant, dict) for grant in grants):
            return None
        if any("id" not in grant for grant in grants):  # a list of rows with the names of our own columns
            return grants
        return [{column: value_at(grant, path) for column, path in PATHS.items()} for grant in grants]


def value_at(fact: Any, path: Sequence[str | int]) -> str:
    """The value at a path in a grant as text; empty where it has none, or something else."""
    for step in path:
        if isinstance(fact, dict):
            fact = fact.get(step)
        elif isinstance(fact, list):
            fact = fact[step] if isinstance(step, int) and step < len(fact) else None
    if isinstance(fact, list):
        return ";".join(one for one in fact if isinstance(one, str))
    return fact if isinstance(fact, str) else ""
