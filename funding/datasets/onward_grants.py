"""Onward grants as open data: what recipients have awarded out of the unit's grants, as they report it."""

from django.conf import settings
from django.db.models import OuterRef, Subquery

from funding.datasets.threesixtygiving import grant_identifier
from funding.models import Allocation, OnwardGrant, Regranting
from funding.regranting.filters import OnwardGrantFilters
from vru_portal.tabular.datasets import Dataset, QueryRows, last_recorded, page_column
from vru_portal.tabular.writers import Column, Type


def onward_grant_rows(filters: OnwardGrantFilters) -> QueryRows[OnwardGrant]:
    types = Regranting.objects.standing().filter(allocation=OuterRef("allocation")).values("regrant_type")[:1]
    rows = filters.rows.annotate(regrant_type=Subquery(types))
    return QueryRows(rows.select_related("allocation__recipient", "allocation__initiative"), count=filters.count)


def identifier_of(allocation: Allocation) -> str:
    """The identifier of the grant in the 360Giving file; empty without a publisher's prefix."""
    return grant_identifier(allocation) if settings.GRANTS_PREFIX else ""


def allocations_awarded_on() -> list[tuple[str, str]]:
    """The allocations whose pages list what was awarded on out of them, with the addresses of these lists."""
    rows = Allocation.objects.filter(pk__in=OnwardGrant.objects.standing().values("allocation"))
    rows = rows.select_related("recipient", "initiative", "heading").order_by("recipient__name", "pk")
    return [(f"{row.recipient.name}, for {row.subject}", f"{row.get_absolute_url()}#onward") for row in rows]


ONWARD_GRANTS: Dataset[OnwardGrant] = Dataset(
    name="onward-grants",
    title="Onward grants",
    about="Grants that recipients have awarded out of the unit's grants, as they report them. One row for each. They "
    "are part of allocations that are counted already: do not add them to these.",
    columns=(
        Column("reference", "The recipient's own, such as its identifier in a 360Giving file", lambda g: g.reference),
        Column("allocation", "The id of the allocation that it was awarded from", lambda g: g.allocation.public_id),
        Column(
            "allocation_identifier",
            "The identifier of that allocation in the 360Giving file, if there is one",
            lambda g: identifier_of(g.allocation),
        ),
        Column(
            "regrant_type",
            "The way in which the money is awarded on: a code of the 360Giving codelist “Regrant Type”",
            lambda g: g.regrant_type,  # type: ignore[attr-defined]
            title="For regrant type",
        ),
        Column("initiative", "The initiative that the allocation is for", lambda g: str(g.allocation.subject)),
        Column("awarded_by", "The recipient of the allocation", lambda g: g.allocation.recipient.name),
        Column(
            "awarded_by_org_id",
            "Its identifier on org-id.guide, where known",
            lambda g: g.allocation.recipient.identifier,
            title="Identifier of who awarded it",
        ),
        Column("recipient", "Who received it", lambda g: g.recipient_name),
        Column(
            "recipient_org_id",
            "The identifier of who received it, as reported",
            lambda g: g.recipient_org_id,
            title="Identifier of the recipient",
        ),
        Column("amount", "Pounds awarded, which are part of the allocation", lambda g: g.amount, Type.POUNDS),
        Column("awarded_on", "The day on which it was awarded", lambda g: g.awarded_on, Type.DATE),
        Column("title", "What it is called", lambda g: g.title),
        Column("description", "What it is for", lambda g: g.description),
        Column("area", "Where its beneficiaries are, as reported", lambda g: g.area),
        Column("area_code", "The official code of that place, as reported", lambda g: g.area_code),
        Column("reported_on", "The day on which the recipient reported it", lambda g: g.reported_on, Type.DATE),
        Column(
            "published_at",
            "Where the recipient publishes it",
            lambda g: g.published_at,
            Type.ADDRESS,
            "Where it is published",
        ),
        page_column("Where it is shown on this site"),
    ),
    key=("reference",),
    filters=OnwardGrantFilters,
    rows=onward_grant_rows,
    changed=last_recorded(OnwardGrant, Regranting),
    page="funding:latest",
    parts=allocations_awarded_on,
    keywords=("grants", "regranting"),
    is_money=True,
)
