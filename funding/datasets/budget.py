"""Budget headings, decisions, variations and conditions as open data.

The names of columns are part of a published format: do not change them.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from funding.conditions import JudgedCondition, judged_conditions
from funding.datasets.lists import of_all_years, recorded_column
from funding.filters.budget import ConditionFilters, DecisionFilters, VariationFilters
from funding.models import (
    Allocation,
    BudgetHeading,
    Decision,
    FinancialYear,
    Fulfilment,
    Payment,
    SourceCondition,
    Variation,
)
from funding.year_accounts import year_accounts
from vru_portal.tabular.datasets import Dataset, QueryRows, last_changed, last_recorded, page_column
from vru_portal.tabular.writers import Column, Type
from vru_portal.web.filters import Filters

HEADINGS: Dataset[BudgetHeading] = Dataset(
    name="budget-headings",
    title="Budget headings",
    about="What the budget pays for besides initiatives. One row for each heading.",
    columns=(
        Column("name", "Its name", lambda h: h.name),
        Column("kind", "The kind of cost", lambda h: h.get_kind_display(), title="Kind of cost"),
        Column("summary", "What it pays for", lambda h: h.summary),
        Column("slug", "Its name in addresses", lambda h: h.slug),
        page_column("Its page"),
    ),
    key=("slug",),
    filters=lambda data: Filters(data, {}),
    rows=lambda _: QueryRows(BudgetHeading.objects.public().order_by("position", "name")),
    changed=last_changed(BudgetHeading),
    page="funding:latest",
    keywords=("budget", "funding"),
    is_money=True,
)


def decision_rows(filters: DecisionFilters) -> QueryRows[Decision]:
    related = ("year", "decided_by__person", "decided_by__organisation")
    return QueryRows(filters.rows.select_related(*related))


DECISIONS: Dataset[Decision] = Dataset(
    name="decisions",
    title="Decisions",
    about="Decisions to allocate, vary and return money. One row for each decision that was not reversed.",
    columns=(
        Column("financial_year", "The year whose money it is about", lambda d: d.year.label),
        Column("reference", "The reference of the notice", lambda d: d.reference),
        Column("decided_on", "The day on which it was made", lambda d: d.decided_on, Type.DATE),
        Column("decided_by", "Who made it: the post, and who held it that day", lambda d: str(d.decider or "")),
        Column("title", "What was decided", lambda d: d.title),
        Column("reasons", "Why", lambda d: d.reasons),
        Column("notice_url", "Where its notice is published", lambda d: d.notice_url, title="Published notice"),
        recorded_column(),
        page_column("Where it is listed"),
    ),
    key=("financial_year", "reference"),
    filters=of_all_years(DecisionFilters),
    rows=decision_rows,
    changed=last_recorded(Decision),
    page="funding:latest",
    keywords=("decisions", "transparency", "funding"),
    is_money=True,
)


def variation_rows(filters: VariationFilters) -> QueryRows[Variation]:
    related = (
        *("funding_source__year", "decision", "allocation__initiative", "allocation__heading", "allocation__recipient"),
        *("allocation__reverses",),
    )
    return QueryRows(filters.rows.select_related(*related).prefetch_related("moved_into"), total_of="amount")


def moved_into(variation: Variation) -> str:
    return next((row.public_id for row in variation.moved_into.all() if row.reverses_id is None), "")


VARIATIONS: Dataset[Variation] = Dataset(
    name="variations",
    title="Variations and returns",
    about="Money that was released from an allocation, moved, left when an award ended, or returned to the funder. "
    "One row for each variation that was not reversed.",
    columns=(
        Column("id", "The variation's id", lambda v: v.public_id, title="Id"),
        Column("varied_on", "The day from which it counts", lambda v: v.varied_on, Type.DATE),
        Column("financial_year", "The year of the source", lambda v: v.funding_source.year.label),
        Column("source", "Where the money came from", lambda v: v.funding_source.name),
        Column("kind", "What happened to the money", lambda v: v.get_kind_display()),
        Column("amount", "Pounds", lambda v: v.amount, Type.POUNDS),
        Column("allocation", "The id of the allocation that it was part of, if any",
               lambda v: v.allocation.public_id if v.allocation else ""),
        Column("subject", "The initiative or budget heading that it was for",
               lambda v: str(v.allocation.subject) if v.allocation else "", title="For"),
        Column("recipient", "Who would have received it",
               lambda v: v.allocation.recipient.name if v.allocation else ""),
        Column("moved_into", "The id of the allocation that it was moved into", moved_into),
        Column("decision", "The reference of the decision", lambda v: v.decision.reference),
        Column("reasons", "Why", lambda v: v.reasons),
        recorded_column(),
        page_column("Where it is shown"),
    ),
    key=("id",),
    filters=of_all_years(VariationFilters),
    rows=variation_rows,
    changed=last_recorded(Variation, Allocation),
    page="funding:latest",
    keywords=("funding", "underspend", "transparency"),
    total_of="amount",
    is_money=True,
)  # fmt: skip


class ConditionRows:
    """The conditions that filters leave, judged with the accounts of their year."""

    total: Decimal | None = None

    def __init__(self, filters: ConditionFilters) -> None:
        self.filters = filters

    @property
    def count(self) -> int:
        return self.filters.rows.count()

    def some(self, start: int, stop: int) -> list[JudgedCondition]:
        return list(islice(self, start, stop))

    def __iter__(self) -> Iterator[JudgedCondition]:
        chosen = set(self.filters.rows.order_by().values_list("pk", flat=True))
        years = FinancialYear.objects.filter(sources__conditions__in=chosen).distinct().order_by("first_year")
        for year in years if chosen else ():
            sources = year.sources.standing(self.filters.cut_off).order_by("position", "id").select_related("year")
            accounts = year_accounts(year, sources, self.filters.cut_off)
            yield from (row for row in judged_conditions(accounts) if row.condition.pk in chosen)


CONDITIONS: Dataset[JudgedCondition] = Dataset(
    name="conditions",
    title="Conditions of sources",
    about="What funders ask in return for their money, and whether it is met. One row for each condition of a source.",
    columns=(
        Column("id", "The condition's own number", lambda c: c.condition.pk, Type.COUNT, "Id"),
        Column("financial_year", "The year of the source", lambda c: c.account.source.year.label),
        Column("source", "The source that it is a condition of", lambda c: c.account.source.name),
        Column("condition", "What is required", lambda c: c.what),
        Column("state", "Met, missed or open", lambda c: c.state.label),
        Column("required", "Pounds required or allowed", lambda c: c.required, Type.POUNDS),
        Column("counted", "Pounds that count towards it", lambda c: c.counted, Type.POUNDS),
        Column("counted_as", "What is counted", lambda c: c.counted_as),
        Column("last_day", "The last day on which it can be met", lambda c: c.last_day, Type.DATE),
        Column("arithmetic", "How the sums were worked out", lambda c: c.arithmetic),
        Column("wording", "The words of the publication", lambda c: c.condition.wording),
        Column("stated_in", "The publication that states it",
               lambda c: c.condition.source.title if c.condition.source.is_public else ""),
    ),
    key=("id",),
    filters=of_all_years(ConditionFilters),
    rows=ConditionRows,
    changed=last_recorded(SourceCondition, Fulfilment, Allocation, Payment, Variation),
    page="funding:latest",
    keywords=("grants", "conditions", "funding"),
    is_money=True,
)  # fmt: skip
