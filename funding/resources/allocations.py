"""Files of allocations, as staff and the portal itself write them."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, widgets

from funding.choices import AllocationKind
from funding.models import Allocation, BudgetHeading, FundingSource
from funding.resources.ledger import LedgerResource
from funding.resources.lookups import find_allocations, find_decisions
from funding.rules.allocations import allocate, find_problems
from funding.rules.sources import lock_sources
from funding.validators import FIRST_YEAR, LAST_YEAR, parse_year_label, year_label
from partners.models import Organisation
from programmes.models import Initiative
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.named_records import NamedRecord, find_by_name, last_part
from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_form
from vru_portal.tabular.widgets import DateWidget, MoneyWidget, TextWidget
from vru_portal.text.cleaning import fold
from vru_portal.text.problems import Problems

LABELS_AS_RESAVED = by_resaved_form(map(year_label, range(FIRST_YEAR, LAST_YEAR + 1)))
KINDS = {fold(str(label)): value for value, label in AllocationKind.choices} | {
    fold(value): value for value in AllocationKind.values
}


class AllocationResource(LedgerResource):
    """Allocations: assessment, remainder and duty are checked by the rule."""

    required = ("source", "year", "recipient", "kind", "amount", "awarded_on", "decision", "purpose")
    aliases = {
        "id": ("allocation", "allocation id", "public id"),
        "source": ("funding source", "fund"),
        "year": ("financial_year", "financial year of the source"),
        "initiative": ("project", "programme", "scheme"),
        "heading": ("budget heading", "cost heading", "budget line"),
        "decision": ("decision reference", "decision number", "decision notice"),
        "recipient": ("awarded to", "grantee", "provider", "supplier", "recipient name", "recipient organisation"),
        "kind": ("type", "kind of award"),
        "amount": ("value", "amount awarded", "sum", "award amount", "£", "gbp"),
        "awarded_on": ("date", "award date", "date awarded", "decided on", "decision date", "date of award"),
        "starts_on": ("start date", "start", "from", "for work from"),
        "ends_on": ("end date", "end", "until", "to", "for work until"),
        "continues": ("continuation of", "first allocation"),
        "purpose": ("description", "what the money is for"),
        "reasons": ("reason", "reasons for the award"),
    }
    # The other columns of the published list of allocations, which can be sent back as it is.
    ignored = (
        *("level", "recipient_org_id", "awarded_by", "awarded_by_org_id", "paid", "award_total"),
        *("varied", "allocated", "moved_from"),
        *("assessment_approved_on", "recorded_on", "contract_copies", "url", "example"),
    )
    key = "id"
    rows_label = "allocations"
    permission = "funding.add_allocation"
    correction_advice = "Reverse it, then record the correct allocation with an empty id."
    kinds = AllocationKind.values

    public_id = fields.Field(column_name="id", widget=TextWidget())
    funding_source = fields.Field("funding_source", "source", widgets.Widget())
    year = fields.Field(column_name="year", widget=TextWidget())
    initiative = fields.Field("initiative", "initiative", NamedRecord("initiative"))
    heading = fields.Field("heading", "heading", NamedRecord("budget heading"))
    decision = fields.Field("decision", "decision", NamedRecord("decision"))
    recipient = fields.Field("recipient", "recipient", NamedRecord("organisation"))
    kind = fields.Field("kind", "kind", TextWidget())
    amount = fields.Field("amount", "amount", MoneyWidget())
    awarded_on = fields.Field("awarded_on", "awarded_on", DateWidget())
    starts_on = fields.Field("starts_on", "starts_on", DateWidget())
    ends_on = fields.Field("ends_on", "ends_on", DateWidget())
    continues = fields.Field("continues", "continues", NamedRecord("allocation"))
    purpose = fields.Field("purpose", "purpose", TextWidget())
    conditions = fields.Field("conditions", "conditions", TextWidget())
    reasons = fields.Field("reasons", "reasons", TextWidget())
    value_for_money = fields.Field("value_for_money", "value_for_money", TextWidget())
    department = fields.Field("department", "department", TextWidget())
    merchant_category = fields.Field("merchant_category", "merchant_category", TextWidget())

    class Meta(LedgerResource.Meta):
        model = Allocation

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch the records that rows name, and lock all sources of the file at once: two imports must not deadlock."""
        years = {first for label in keys["year"] if (first := parse_year_label(as_year_label(label)))}
        self.sources: dict[tuple[str, str], set[FundingSource]] = {}
        wanted = {fold(last_part(text)) for text in keys["source"]}
        found: set[int] = set()
        for source in FundingSource.objects.filter(year__first_year__in=years).select_related("year"):
            for name in {fold(source.slug), fold(source.name), fold(str(source))} & wanted:
                self.sources.setdefault((source.year.label, name), set()).add(source)
                found.add(source.pk)
        lock_sources(sorted(found))
        initiatives = find_by_name(Initiative, keys.get("initiative", ()), "level")
        self.fields["initiative"].widget = NamedRecord("initiative", initiatives)
        headings = find_by_name(BudgetHeading, keys.get("heading", ()))
        self.fields["heading"].widget = NamedRecord("budget heading", headings)
        self.fields["decision"].widget = NamedRecord("decision", find_decisions(keys["decision"]))
        self.fields["recipient"].widget = NamedRecord("organisation", find_by_name(Organisation, keys["recipient"]))
        self.fields["continues"].widget = NamedRecord("allocation", find_allocations(keys.get("continues", ())))
        related = ("funding_source__year", "initiative", "heading", "recipient", "continues", "decision")
        self.recorded = find_allocations(keys.get("id", ()), *related).records

    def import_instance(self, instance: Allocation, row: Any, **kwargs: Any) -> None:
        """Read the cells; year and source together name the source."""
        year, name = as_year_label(cell_text(row["year"])), cell_text(row["source"])
        sources = self.sources.get((year, fold(last_part(name))), set())
        problems = Problems()
        unreadable = self.cell_errors.get(kwargs["row_number"], {})
        if len(sources) > 1:
            slugs = ", ".join(sorted(source.slug for source in sources))
            problems["source"] = [
                ValidationError(f"More than one source of {year} is called {name!r}. Enter one of: {slugs}.")
            ]
        elif not sources and not {"source", "year"} & unreadable.keys():
            problems["source"] = [
                ValidationError(
                    f"There is no source {name!r} in the financial year {year!r}. Enter the year in the format 2031-32."
                )
            ]
        kind = KINDS.get(fold(cell_text(row["kind"])))
        if kind is None and "kind" not in unreadable:
            problems["kind"] = [
                ValidationError(f"{cell_text(row['kind'])!r} is not one of: {', '.join(AllocationKind.values)}.")
            ]
        public_id = cell_text(row.get("id"))
        if public_id and public_id not in self.recorded and "id" not in unreadable:
            problems["id"] = [
                ValidationError(f"No allocation has the id {public_id!r}. Leave the id of a new allocation empty.")
            ]
        cells = {**row, "source": next(iter(sources), None), "kind": kind or ""}
        super().import_instance(instance, cells, problems=problems, **kwargs)

    def find_other_problems(self, instance: Allocation, row: Any, problems: Problems) -> None:
        if self.find_recorded(instance, row):
            super().find_other_problems(instance, row, problems)
        else:
            find_problems(instance, problems, unread=self.fields_with_problems(problems))

    def record(self, row: Allocation) -> None:
        allocate(by=self.by, allocation=row)


def as_year_label(text: str) -> str:
    """The label of a financial year that was written otherwise: 2031/32, 2031-2032, or as a spreadsheet saved it."""
    plain = LABELS_AS_RESAVED.get(text, fold(text))
    found = re.fullmatch(r"(20\d\d) ?[-/] ?(?:20)?(\d\d)", plain, re.ASCII)
    return f"{found[1]}-{found[2]}" if found else text
