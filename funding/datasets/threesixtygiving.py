"""The 360Giving file of a funder: its standing grants of all years, as JSON and XLSX, in version 1.4 of the standard.

The standard is about grants, so contracts are left out. So is the money that comes in: those who give it publish it,
and nobody should count a pound twice. There is no CSV, because it cannot carry the licence.
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
from django.db.models import Count, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils import timezone

from funding.choices import AllocationKind
from funding.models import Allocation, Payment, PublicationDuty, Variation
from funding.querysets import AllocationQuerySet
from funding.regranting.sums import with_onward
from partners.models import Organisation, Unit
from partners.validators import area_kind_code
from programmes.models import Initiative
from vru_portal.tabular.batches import fetch_in_batches
from vru_portal.tabular.writers import Cell, WorkbookFile, join_in_batches
from vru_portal.web.addresses import full_url

STANDARD_VERSION = "1.4"
FORMATS = ("json", "xlsx")
MAX_TITLE_LENGTH = 140  # a title must be shorter than this

# The standard's headings for a spreadsheet, and the path to each value in the JSON.
GRANT_HEADINGS = {
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
    "Recipient Org:0:Charity Number": ("recipientOrganization", 0, "charityNumber"),
    "Recipient Org:0:Company Number": ("recipientOrganization", 0, "companyNumber"),
    "Recipient Org:0:Organisation Type": ("recipientOrganization", 0, "organisationType"),
    "Recipient Org:0:Web Address": ("recipientOrganization", 0, "url"),
    "Recipient Org:0:Location:0:Name": ("recipientOrganization", 0, "location", 0, "name"),
    "Recipient Org:0:Location:0:Country Code": ("recipientOrganization", 0, "location", 0, "countryCode"),
    "Recipient Org:0:Location:0:Geographic Code": ("recipientOrganization", 0, "location", 0, "geoCode"),
    "Recipient Org:0:Location:0:Geographic Code Type": ("recipientOrganization", 0, "location", 0, "geoCodeType"),
    "Funding Org:0:Identifier": ("fundingOrganization", 0, "id"),
    "Funding Org:0:Name": ("fundingOrganization", 0, "name"),
    "Funding Org:0:Charity Number": ("fundingOrganization", 0, "charityNumber"),
    "Funding Org:0:Company Number": ("fundingOrganization", 0, "companyNumber"),
    "Funding Org:0:Organisation Type": ("fundingOrganization", 0, "organisationType"),
    "Funding Org:0:Web Address": ("fundingOrganization", 0, "url"),
    "Grant Programme:0:Code": ("grantProgramme", 0, "code"),
    "Grant Programme:0:Title": ("grantProgramme", 0, "title"),
    "Grant Programme:0:URL": ("grantProgramme", 0, "url"),
    "Related Activity": ("relatedActivity",),
    "For Regrant Type": ("regrantType",),
    "Last Modified": ("dateModified",),
    "Data Source": ("dataSource",),
}
LOCATION_HEADINGS = {
    "Name": "name",
    "Country Code": "countryCode",
    "Geographic Code": "geoCode",
    "Geographic Code Type": "geoCodeType",
}
META_HEADINGS = {
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


def unavailable_reason(duty: PublicationDuty | None, *, any_awards: bool) -> str | None:
    """Why there is no 360Giving file, as a sentence; None if there is one."""
    if not settings.GRANTS_PREFIX:
        return "There is no 360Giving file yet: this portal has no publisher prefix from 360Giving."
    if duty is None or not duty.licence_url:
        return "There is no 360Giving file yet: the licence for the data is not stated."
    return None if any_awards else "There is no 360Giving file yet: no grants have been recorded."


def publishing_body() -> Organisation | None:
    """The body whose grants are published as a file, under the publication duty; None if there is no file."""
    if not settings.GRANTS_PREFIX:  # without asking the database
        return None
    duty = PublicationDuty.objects.select_related("awarding_body").first()
    if duty is None or unavailable_reason(duty, any_awards=grants_awarded_by(duty.awarding_body).exists()):
        return None
    return duty.awarding_body


def standing_grants() -> AllocationQuerySet:
    return Allocation.objects.standing().filter(kind=AllocationKind.GRANT)


def grants_awarded_by(funder: Organisation) -> AllocationQuerySet:
    return standing_grants().filter(awarded_by=funder)


def organisation_identifier(organisation: Organisation) -> str:
    """An official identifier if one is known, otherwise one made with the publisher's prefix, as 360Giving advises."""
    return organisation.identifier or f"{settings.GRANTS_PREFIX}-org-{organisation.slug}"


def grant_identifier(allocation: Allocation) -> str:
    return f"{settings.GRANTS_PREFIX}-{allocation.public_id}"


def iso_datetime(value: datetime) -> str:
    """A date and time as the standard wants it, with the time zone."""
    return timezone.localtime(value).isoformat(timespec="seconds")


def without_empty_values(**facts: Any) -> dict[str, Any]:
    """Drop what is not known: the standard omits a field rather than leave it empty."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


@dataclass(frozen=True)
class GrantsFile:
    """The file of one funder."""

    funder: Organisation
    duty: PublicationDuty
    unit: Unit

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Everything in the file except the grants."""
        example_prefix = "Example data: " if self.unit.is_example else ""
        made_up = "Made-up grants for a demonstration. " if self.unit.is_example else ""
        # The file changes with any row of the ledger, including one that reverses a grant.
        recorded = Allocation.objects.filter(awarded_by=self.funder, kind=AllocationKind.GRANT).aggregate(
            issued=Min("recorded_at", filter=Q(reverses=None)),
            allocated=Max("recorded_at"),
            paid=Max("payments__recorded_at"),
            varied=Max("variations__recorded_at"),
        )
        changed = max(day for name in ("allocated", "paid", "varied") if (day := recorded[name]))
        publisher = self.unit.organisation
        return without_empty_values(
            version=STANDARD_VERSION,
            title=f"{example_prefix}Grants awarded by {self.funder}",
            description=f"{made_up}Every grant awarded by {self.funder} that is recorded in the portal of "
            f"{self.unit.name} and not reversed, for all financial years. The amount disbursed is what was paid, net "
            "of refunds.",
            issued=timezone.localtime(recorded["issued"]).date().isoformat(),
            modified=iso_datetime(changed),
            identifier=f"{settings.GRANTS_PREFIX}-grants-{self.funder.slug}",
            publisher=without_empty_values(
                identifier=publisher.identifier, name=publisher.name, website=publisher.website or settings.PORTAL_URL
            ),
            downloadURL=self.address("json"),
            accessURL=full_url(reverse("funding:latest")),
            license=self.duty.licence_url,
        )

    @cached_property
    def unit_area(self) -> list[dict[str, Any]]:
        """The area that the unit serves, which money of a budget heading is for; nothing until its code is stated."""
        code = self.unit.area_code
        return [location(self.unit.region, code)] if code else []

    def address(self, form: str) -> str:
        """The address of the file."""
        return full_url(reverse("funding:giving", args=[self.funder.slug, form]))

    @property
    def rows(self) -> Any:
        """The funder's grants by date, with everything the file says about them."""
        paid, varied = (
            model._default_manager.filter(allocation=OuterRef("pk")).order_by("-recorded_at").values("recorded_at")[:1]
            for model in (Payment, Variation)
        )
        return (
            with_onward(grants_awarded_by(self.funder).with_paid().with_varied())
            .annotate(
                modified=Greatest(
                    "recorded_at",
                    Coalesce(Subquery(paid), "recorded_at"),
                    Coalesce(Subquery(varied), "recorded_at"),
                )
            )
            .select_related(
                "initiative__level",
                "heading",
                "recipient__sector",
                "funding_source__year",
                "continues__reversed_by",
                "reverses",
            )
            .prefetch_related("initiative__areas")
            .order_by("awarded_on", "pk")
        )

    def grants(self) -> Iterator[dict[str, Any]]:
        """Yield each grant as the standard's object. Sums are still Decimal."""
        return map(self.grant, fetch_in_batches(self.rows))

    def grant(self, row: Allocation) -> dict[str, Any]:
        # The programme that it belongs to: the level of prevention, or the heading of the budget.
        programme: Any = row.initiative.level if row.initiative else row.heading
        first = row.continues
        title = f"{row.subject}, {row.funding_source.year.label}"
        return without_empty_values(
            id=grant_identifier(row),
            title=title if len(title) < MAX_TITLE_LENGTH else f"{title[: MAX_TITLE_LENGTH - 2]}…",
            description=row.purpose,
            currency="GBP",
            amountAwarded=row.allocated,  # the standard asks for the amount as it was last varied
            amountDisbursed=row.paid,
            awardDate=row.awarded_on.isoformat(),
            url=full_url(row.get_absolute_url()),
            # The standard requires a start date in every event.
            plannedDates=[
                without_empty_values(
                    startDate=row.starts_on.isoformat(), endDate=row.ends_on and row.ends_on.isoformat()
                )
            ]
            if row.starts_on
            else [],
            recipientOrganization=[organisation_object(row.recipient)],
            fundingOrganization=[organisation_object(self.funder)],
            beneficiaryLocation=locations_of(row.initiative) if row.initiative else self.unit_area,
            grantProgramme=[
                {
                    "code": programme.slug,
                    "title": str(programme),
                    "url": full_url(programme.get_absolute_url()),
                }
            ],
            relatedActivity=[grant_identifier(first)] if first and not first.is_reversed else [],
            regrantType=row.regrant_type,  # type: ignore[attr-defined]
            dateModified=iso_datetime(row.modified),  # type: ignore[attr-defined]
            dataSource=self.address("json"),
        )

    def json_parts(self) -> Iterator[str]:
        yield f'{json.dumps(self.facts, ensure_ascii=False)[:-1]}, "grants": ['
        yield from join_in_batches(
            ("," if number else "") + "\n" + json.dumps(grant, default=decimal_as_json_number, ensure_ascii=False)
            for number, grant in enumerate(self.grants())
        )
        yield "\n]}\n"

    @property
    def location_headings(self) -> dict[str, tuple[str | int, ...]]:
        """A group of headings for each location of the grant that has most."""
        counts = grants_awarded_by(self.funder).order_by().values("pk").annotate(n=Count("initiative__areas"))
        most = counts.aggregate(most=Max("n"))["most"] or 1
        return {
            f"Beneficiary Location:{number}:{heading}": ("beneficiaryLocation", number, name)
            for number in range(most)
            for heading, name in LOCATION_HEADINGS.items()
        }

    def write(self, form: str, file: IO[bytes]) -> None:
        """Write the file as JSON, or as a workbook: a sheet of grants and a sheet of metadata."""
        if form == "json":
            for part in self.json_parts():
                file.write(part.encode())
            return
        book = WorkbookFile(file)
        headings = GRANT_HEADINGS | self.location_headings
        sheet = book.add_sheet("grants", list(headings))
        for grant in self.grants():
            sheet.append((value_at(grant, path) for path in headings.values()), number_format="0.00")
        meta = book.add_sheet("Meta")
        facts = self.facts | {"downloadURL": self.address("xlsx")}
        for heading, path in META_HEADINGS.items():
            if value := value_at(facts, path):
                meta.append([heading, value])
        book.close()


def organisation_object(organisation: Organisation) -> dict[str, Any]:
    return without_empty_values(
        id=organisation_identifier(organisation),
        name=organisation.name,
        charityNumber=organisation.charity_number or organisation.number_in("GB-CHC", "GB-SC", "GB-NIC"),
        companyNumber=organisation.company_number or organisation.number_in("GB-COH"),
        organisationType=str(organisation.sector or ""),
        url=organisation.website,
        location=[found] if (found := location(organisation.area, organisation.area_code)) else [],
    )


def location(name: str, code: str) -> dict[str, Any]:
    """A place by its name, and by its official code where that is known."""
    return without_empty_values(
        name=name, countryCode="GB" if code else "", geoCode=code, geoCodeType=area_kind_code(code)
    )


def locations_of(initiative: Initiative) -> list[dict[str, Any]]:
    """The areas that an initiative serves, or the words in which the source names them."""
    served: Any = initiative.areas.all()
    areas = [location(area.name, area.gss_code) for area in served]
    return areas or ([location(initiative.area_text, "")] if initiative.area_text else [])


def decimal_as_json_number(value: object) -> float:
    """For json.dumps. A float holds the fourteen digits of a `PoundsField` exactly enough to print them unchanged."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} cannot be written as JSON.")
    return float(value)


def value_at(fact: Any, path: Iterable[str | int]) -> Cell:
    """The value at a path in the JSON, or None. A list at the end of the path becomes text, separated by semicolons."""
    for step in path:
        if isinstance(fact, Mapping):
            fact = fact.get(str(step))
        elif isinstance(fact, list):
            fact = fact[int(step)] if int(step) < len(fact) else None
        if fact is None:
            return None
    return ";".join(fact) if isinstance(fact, list) else fact
