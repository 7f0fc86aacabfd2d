"""The 360Giving file of a funder: its grants of all years that stand, in version 1.4 of the standard, as JSON and XLSX.

Only grants, which is what the standard is for: contracts are published with the contracts, and money that comes in is
published by those who give it, so that nobody counts a pound twice. A CSV cannot carry the licence, so there is none.
https://standard.threesixtygiving.org
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import IO, Any

from django.conf import settings
from django.db.models import Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from funding.choices import Kind
from funding.models import Allocation, Payment, PublicationDuty
from funding.querysets import AllocationQuerySet
from partners.models import Organisation, Unit
from vru_portal.tables import Cell, add_sheet, append, batches, saved

VERSION = "1.4"
TITLE_LENGTH = 140  # the standard asks for less
AT_ONCE = 900  # rows fetched at a time

# The standard's headings of a spreadsheet, and where each value stands in the JSON.
HEADINGS = {
    "Identifier": ("id",),
    "Title": ("title",),
    "Description": ("description",),
    "Currency": ("currency",),
    "Amount Awarded": ("amountAwarded",),
    "Amount Disbursed": ("amountDisbursed",),
    "Award Date": ("awardDate",),
    "URL": ("url",),
    "Planned Dates:0:Start Date": ("plannedDates", 0, "startDate"),
    "Planned Dates:0:End Date": ("plannedDates", 0, "endDate"),
    "Recipient Org:0:Identifier": ("recipientOrganization", 0, "id"),
    "Recipient Org:0:Name": ("recipientOrganization", 0, "name"),
    "Recipient Org:0:Web Address": ("recipientOrganization", 0, "url"),
    "Funding Org:0:Identifier": ("fundingOrganization", 0, "id"),
    "Funding Org:0:Name": ("fundingOrganization", 0, "name"),
    "Funding Org:0:Web Address": ("fundingOrganization", 0, "url"),
    "Grant Programme:0:Code": ("grantProgramme", 0, "code"),
    "Grant Programme:0:Title": ("grantProgramme", 0, "title"),
    "Grant Programme:0:URL": ("grantProgramme", 0, "url"),
    "Related Activity": ("relatedActivity",),
    "Last Modified": ("dateModified",),
    "Data Source": ("dataSource",),
}
META = {
    "Version": ("version",),
    "Title": ("title",),
    "Description": ("description",),
    "Issued": ("issued",),
    "Modified": ("modified",),
    "Identifier": ("identifier",),
    "Publisher:Identifier": ("publisher", "identifier"),
    "Publisher:Name": ("publisher", "name"),
    "Publisher:Website": ("publisher", "website"),
    "Download URL": ("downloadURL",),
    "Access URL": ("accessURL",),
    "License": ("license",),
}


def why_not(duty: PublicationDuty | None, *, any_awards: bool) -> str | None:
    """Return in a sentence why there is no 360Giving file, or None where there is one."""
    if not settings.GRANTS_PREFIX:
        return "There is no 360Giving file yet: the prefix that 360Giving assigns to a publisher is not set here."
    if duty is None or not duty.licence_url:
        return "There is no 360Giving file yet: the licence of the data is not stated."
    return None if any_awards else "There is no 360Giving file yet: no grant is recorded."


def grants() -> AllocationQuerySet:
    """Return the grants that stand."""
    return Allocation.objects.standing().filter(kind=Kind.GRANT)


def awards_of(funder: Organisation) -> AllocationQuerySet:
    """Return the grants of one funder, of all years."""
    return grants().filter(awarded_by=funder)


def org_id(body: Organisation) -> str:
    """Return the identifier of a body: an official one where known, otherwise one of the publisher's, as advised."""
    return body.org_id or f"{settings.GRANTS_PREFIX}-org-{body.slug}"


def grant_id(allocation: Allocation) -> str:
    """Return the identifier of a grant."""
    return f"{settings.GRANTS_PREFIX}-{allocation.public_id}"


def moment(value: datetime) -> str:
    """Return a moment as the standard writes it, with its time zone."""
    return timezone.localtime(value).isoformat(timespec="seconds")


def stated(**facts: Any) -> dict[str, Any]:
    """Return what is known: the standard leaves out what is not."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


@dataclass(frozen=True)
class Package:
    """One funder's file."""

    funder: Organisation
    duty: PublicationDuty
    unit: Unit

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is said of the file: all but its grants."""
        named = "Example data: " if self.unit.is_example else ""
        made_up = "Made-up grants of a demonstration. " if self.unit.is_example else ""
        # What changes a file is a row of the ledger: also one that takes a grant back.
        ledger = Allocation.objects.filter(awarded_by=self.funder, kind=Kind.GRANT).aggregate(
            issued=Min("recorded_at", filter=Q(reverses=None)),
            allocated=Max("recorded_at"),
            paid=Max("payments__recorded_at"),
        )
        changed = max(day for day in (ledger["allocated"], ledger["paid"]) if day)
        publisher = self.unit.organisation
        return stated(
            version=VERSION,
            title=f"{named}Grants awarded by {self.funder}",
            description=f"{made_up}Every grant of {self.funder} that is recorded in the portal of {self.unit.name} and "
            "stands, of all financial years. The amount disbursed is what was paid, refunds set against it.",
            issued=timezone.localtime(ledger["issued"]).date().isoformat(),
            modified=moment(changed),
            identifier=f"{settings.GRANTS_PREFIX}-grants-{self.funder.slug}",
            publisher=stated(
                identifier=publisher.org_id, name=publisher.name, website=publisher.website or settings.PORTAL_URL
            ),
            downloadURL=self.address("json"),
            accessURL=f"{settings.PORTAL_URL}{reverse('funding:latest')}",
            license=self.duty.licence_url,
        )

    def address(self, form: str) -> str:
        """Return where the file can be fetched."""
        return f"{settings.PORTAL_URL}{reverse('funding:giving', args=[self.funder.slug, form])}"

    @property
    def rows(self) -> AllocationQuerySet:
        """The funder's grants with all that the file says of them, in the order of their days."""
        paid = Payment.objects.filter(allocation=OuterRef("pk")).order_by("-recorded_at").values("recorded_at")[:1]
        return (
            awards_of(self.funder)
            .with_paid()
            .annotate(modified=Greatest("recorded_at", Coalesce(Subquery(paid), "recorded_at")))
            .select_related(
                "initiative__level", "recipient", "funding_source__year", "continues__reversed_by", "reverses"
            )
            .order_by("awarded_on", "pk")
        )

    def grants(self) -> Iterator[dict[str, Any]]:
        """Yield each grant as the standard has it; sums are still Decimal."""
        for row in self.rows.iterator(chunk_size=AT_ONCE):
            yield self.grant(row)

    def grant(self, row: Allocation) -> dict[str, Any]:
        """Return an allocation as the standard's grant."""
        level, first = row.initiative.level, row.continues
        title = f"{row.initiative.name}, {row.funding_source.year.label}"
        return stated(
            id=grant_id(row),
            title=title if len(title) < TITLE_LENGTH else f"{title[: TITLE_LENGTH - 2]}…",
            description=row.purpose,
            currency="GBP",
            amountAwarded=row.amount,
            amountDisbursed=row.paid,
            awardDate=row.awarded_on.isoformat(),
            url=f"{settings.PORTAL_URL}{row.get_absolute_url()}",
            # Every event of the standard has a start.
            plannedDates=[stated(startDate=row.starts_on.isoformat(), endDate=row.ends_on and row.ends_on.isoformat())]
            if row.starts_on
            else [],
            recipientOrganization=[organisation(row.recipient)],
            fundingOrganization=[organisation(self.funder)],
            grantProgramme=[
                {
                    "code": level.slug,
                    "title": level.full_name,
                    "url": f"{settings.PORTAL_URL}{level.get_absolute_url()}",
                }
            ],
            relatedActivity=[grant_id(first)] if first and not first.is_reversed else [],
            dateModified=moment(row.modified),  # type: ignore[attr-defined]
            dataSource=self.address("json"),
        )

    def json_parts(self) -> Iterator[str]:
        """Yield the file as JSON."""
        yield f'{json.dumps(self.facts, ensure_ascii=False)[:-1]}, "grants": ['
        yield from batches(
            ("," if number else "") + "\n" + json.dumps(grant, default=number_of, ensure_ascii=False)
            for number, grant in enumerate(self.grants())
        )
        yield "\n]}\n"

    def xlsx_file(self) -> IO[bytes]:
        """Return the file as a workbook: a sheet of grants and one of what is said of the file."""
        book = Workbook(write_only=True)
        sheet = add_sheet(book, "grants", list(HEADINGS))
        for grant in self.grants():
            append(sheet, (cell(grant, path) for path in HEADINGS.values()), number_format="0.00")
        meta = book.create_sheet("Meta")
        facts = self.facts | {"downloadURL": self.address("xlsx")}
        for heading, path in META.items():
            if value := cell(facts, path):
                append(meta, [heading, value])
        return saved(book)


def organisation(body: Organisation) -> dict[str, Any]:
    """Return a body as the standard's organisation."""
    return stated(id=org_id(body), name=body.name, url=body.website)


def number_of(value: object) -> float:
    """Return a sum as JSON's number: fourteen digits, which are all that `PoundsField` holds, come through it whole."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} has no place in JSON.")
    return float(value)


def cell(fact: Any, path: Iterable[str | int]) -> Cell:
    """Return the value at a place of the JSON, or None; of a list that stays one, its values parted by semicolons."""
    for step in path:
        if isinstance(fact, Mapping):
            fact = fact.get(str(step))
        elif isinstance(fact, list):
            fact = fact[int(step)] if int(step) < len(fact) else None
        if fact is None:
            return None
    return ";".join(fact) if isinstance(fact, list) else fact
