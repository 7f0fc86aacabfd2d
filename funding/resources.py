"""Allocations and payments in bulk: each row through the rule that every door goes through, all of them or none."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db.models import Model
from import_export import fields, widgets
from import_export.results import Result

from funding.choices import Kind
from funding.models import Allocation, FinancialYear, FundingSource, Payment
from funding.rules import allocate, lock, pay
from funding.validators import first_year_of
from partners.models import Organisation
from programmes.models import Initiative
from vru_portal.append_only import REDACTED
from vru_portal.importing import Day, FileResource, FileResult, FileRow, Money, Text
from vru_portal.money import pounds
from vru_portal.record_resource import RecordResource
from vru_portal.sheets import text_of

CHUNK = 500  # keys asked for at once


class Named(widgets.Widget):
    """A record by its key. The resource looks up all keys of a file at once."""

    def __init__(self, records: dict[Any, Any], what: str) -> None:
        super().__init__()
        self.records, self.what = records, what

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """Return the record, or None for an empty cell; raises ValueError for a key that nothing has."""
        key = text_of(value)
        if key and key not in self.records:
            raise ValueError(f"There is no {self.what} {key!r}.")
        return self.records.get(key)


class LedgerRow(FileRow):
    """What became of a row of the ledger."""

    columns: ClassVar[dict[str, str]] = {"funding_source": "source", "public_id": "id"}


class LedgerResult(FileResult):
    """What became of a file of the ledger."""

    @property
    def exceptions(self) -> list[str]:
        """Payments that are recorded and shown in public as exceptions."""
        return [f"Row {row.number}, {row.instance}: {' '.join(row.notes)}" for row in self.rows if row.notes]

    @property
    def total(self) -> Decimal:
        """The sum of what is recorded."""
        return sum((row.instance.amount for row in self.new), Decimal(0))


class LedgerResource(FileResource):
    """What both files of the ledger have in common: rows that are recorded already stay as they are."""

    key: ClassVar[str]  # the column that says which row of the ledger this is
    again: ClassVar[str]  # what to do about a row that is recorded with other values

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recorded: dict[str, Any] = {}

    def summary(self, result: LedgerResult) -> str:
        """Say how much a file records, and how much money that is."""
        return f"{super().summary(result)}, {pounds(result.total)} together"

    @classmethod
    def get_row_result_class(cls) -> type[LedgerRow]:
        """Rows know their numbers."""
        return LedgerRow

    @classmethod
    def get_result_class(cls) -> type[LedgerResult]:
        """Results are said in sentences."""
        return LedgerResult

    def record(self, row: Any) -> None:
        """Record a row of the ledger through its rule."""
        raise NotImplementedError

    def init_instance(self, row: Any = None) -> Any:
        """Return a new row of the ledger."""
        return self._meta.model()

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> LedgerRow:
        """Give the result of a row its number."""
        result = super().import_row(row, instance_loader, **kwargs)
        result.number = kwargs["row_number"] + 1
        result.cells = tuple(map(text_of, row.values()))
        return result

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Skip an empty row, and one that is recorded already as it stands; refuse one that is recorded otherwise."""
        if not any(text_of(cell) for cell in row.values()):
            return True
        recorded = self.recorded.get(text_of(row.get(self.key)))
        if recorded is None or import_validation_errors:
            return False
        columns = [
            field for field in self.get_import_fields() if field.attribute and self.states(row, field.column_name)
        ]
        differing = [
            f"{field.column_name} is {shown(field.get_value(recorded))}, not {shown(field.get_value(instance))}"
            for field in columns
            if field.get_value(recorded) not in (field.get_value(instance), REDACTED)
        ]
        if differing:
            raise ValidationError(
                f"{recorded} is recorded already, with other values: {'; '.join(differing)}. What is recorded is never "
                f"changed: {self.again}"
            )
        return True

    def states(self, row: Any, column: str) -> bool:
        """Whether a row says something of a column, rather than leaving it to the rule."""
        return column in row

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        """Record it through its rule."""
        self.record(instance)


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    return pounds(value) if isinstance(value, Decimal) else f"“{value}”" if value not in (None, "") else "empty"


def by_key(model: type[Model], name: str, keys: Iterable[str], *related: str) -> dict[str, Any]:
    """Return records by their key, in as few queries as the database takes."""
    wanted = sorted(keys)
    found: dict[str, Any] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = model._default_manager.select_related(*related).filter(**{f"{name}__in": wanted[start : start + CHUNK]})
        found.update({getattr(row, name): row for row in rows})
    return found


class PaymentResource(LedgerResource):
    """Payments from the finance system. Exceptions are recorded too, and named in the result."""

    required = ("reference", "allocation", "paid_on")
    required_note = ", and net with irrecoverable_vat, or amount where VAT is not stated"
    key = "reference"
    what = "payments"
    permission = "funding.add_payment"
    again = "reverse it, then record what is right under a reference of its own."

    reference = fields.Field("reference", "reference", Text())
    allocation = fields.Field("allocation", "allocation", Named({}, "allocation"))
    paid_on = fields.Field("paid_on", "paid_on", Day())
    net = fields.Field(column_name="net", widget=Money())
    irrecoverable_vat = fields.Field("irrecoverable_vat", "irrecoverable_vat", Money())
    amount = fields.Field("amount", "amount", Money())
    payee = fields.Field("payee", "payee", Named({}, "organisation"))
    purpose = fields.Field("purpose", "purpose", Text())
    value_for_money = fields.Field("value_for_money", "value_for_money", Text())
    department = fields.Field("department", "department", Text())
    merchant_category = fields.Field("merchant_category", "merchant_category", Text())

    class Meta(LedgerResource.Meta):
        model = Payment

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Ask for a sum as well, in one of its two forms."""
        if not {"net", "amount"} & set(dataset.headers):
            raise ValidationError(f"Missing columns{self.required_note}.".replace(", and", ":", 1))
        super().prepare(dataset)

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch allocations, payees and what is recorded already."""
        related = ("recipient", "initiative", "funding_source__year")
        allocations = by_key(Allocation, "public_id", keys["allocation"], *related)
        self.fields["allocation"].widget = Named(allocations, "allocation")
        payees = by_key(Organisation, "slug", keys.get("payee", ()))
        self.fields["payee"].widget = Named(payees, "organisation")
        self.recorded = by_key(
            Payment, "reference", keys["reference"], "allocation__recipient", "allocation__initiative"
        )

    def import_instance(self, instance: Payment, row: Any, **kwargs: Any) -> None:
        """Read the cells, and add net and VAT up."""
        super().import_instance(instance, row, **kwargs)
        try:
            net = Money().clean(row.get("net"))
        except ValueError as error:
            raise ValidationError({"net": str(error)}) from error
        if net is None:
            return
        if instance.irrecoverable_vat is None:
            raise ValidationError(
                {"irrecoverable_vat": "Beside a net sum, say what VAT cannot be recovered: 0 for none."}
            )
        total = net + instance.irrecoverable_vat
        if instance.amount is not None and instance.amount != total:
            raise ValidationError(
                {"amount": f"{pounds(instance.amount)} is not net and VAT together, which is {pounds(total)}."}
            )
        instance.amount = total

    def states(self, row: Any, column: str) -> bool:
        """Whether a row says something: an empty payee is the recipient, and a sum can be said as net and VAT."""
        if column == "amount":
            return True
        return bool(text_of(row.get(column))) if column in ("payee", "irrecoverable_vat") else column in row

    def record(self, row: Payment) -> None:
        """Pay."""
        pay(by=self.by, payment=row)

    def after_import(self, dataset: tablib.Dataset, result: Result, **kwargs: Any) -> None:
        """Name the exceptions among what was recorded."""
        new = {row.instance.pk: row for row in result.rows if row.is_new()}
        pks = sorted(new)
        for start in range(0, len(pks), CHUNK):
            rows = Payment.objects.filter(pk__in=pks[start : start + CHUNK]).with_irregularities()
            for payment in rows.select_related("allocation__funding_source__year"):
                new[payment.pk].notes = tuple(payment.irregularities)


class AllocationResource(LedgerResource):
    """Allocations: the gate, the sums and the duty are those of the rule."""

    required = ("source", "year", "initiative", "recipient", "kind", "amount", "awarded_on", "purpose")
    key = "id"
    what = "allocations"
    permission = "funding.add_allocation"
    again = "reverse it, then record what is right as a new one, with an empty id."
    kinds = Kind.values

    public_id = fields.Field(column_name="id", widget=Text())
    funding_source = fields.Field("funding_source", "source", widgets.Widget())
    year = fields.Field(column_name="year", widget=Text())
    initiative = fields.Field("initiative", "initiative", Named({}, "initiative"))
    recipient = fields.Field("recipient", "recipient", Named({}, "organisation"))
    kind = fields.Field("kind", "kind", Text())
    amount = fields.Field("amount", "amount", Money())
    awarded_on = fields.Field("awarded_on", "awarded_on", Day())
    starts_on = fields.Field("starts_on", "starts_on", Day())
    ends_on = fields.Field("ends_on", "ends_on", Day())
    continues = fields.Field("continues", "continues", Named({}, "allocation"))
    purpose = fields.Field("purpose", "purpose", Text())
    conditions = fields.Field("conditions", "conditions", Text())
    reasons = fields.Field("reasons", "reasons", Text())
    value_for_money = fields.Field("value_for_money", "value_for_money", Text())
    department = fields.Field("department", "department", Text())
    merchant_category = fields.Field("merchant_category", "merchant_category", Text())

    class Meta(LedgerResource.Meta):
        model = Allocation

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch what rows name; hold all sources of the file, in order, so that no two files wait for each other."""
        years = {first for label in keys["year"] if (first := first_year_of(label))}
        sources = FundingSource.objects.filter(slug__in=sorted(keys["source"]), year__first_year__in=years)
        self.sources = {(source.year.label, source.slug): source for source in sources.select_related("year")}
        lock([source.pk for source in self.sources.values()])
        initiatives = by_key(Initiative, "slug", keys["initiative"], "level")
        self.fields["initiative"].widget = Named(initiatives, "initiative")
        self.fields["recipient"].widget = Named(by_key(Organisation, "slug", keys["recipient"]), "organisation")
        awards = by_key(Allocation, "public_id", keys.get("continues", ()))
        self.fields["continues"].widget = Named(awards, "allocation")
        related = ("funding_source__year", "initiative", "recipient", "continues")
        self.recorded = by_key(Allocation, "public_id", keys.get("id", ()), *related)

    def import_instance(self, instance: Allocation, row: Any, **kwargs: Any) -> None:
        """Read the cells; the source is named by two of them."""
        key = (text_of(row["year"]), text_of(row["source"]))
        errors: dict[str, list[str]] = {}
        if key not in self.sources:
            errors["source"] = [f"There is no source {key[1]!r} in the financial year {key[0]!r}, such as 2031-32."]
        if text_of(row["kind"]) not in Kind.values:
            errors["kind"] = [f"{text_of(row['kind'])!r} is none of: {', '.join(Kind.values)}."]
        public_id = text_of(row.get("id"))
        if public_id and public_id not in self.recorded:
            errors["id"] = [f"No allocation has the id {public_id!r}. Leave it empty for a new one."]
        try:
            super().import_instance(instance, {**row, "source": self.sources.get(key)}, **kwargs)
        except ValidationError as error:
            errors |= error.message_dict
        if errors:
            raise ValidationError(errors)

    def record(self, row: Allocation) -> None:
        """Allocate."""
        allocate(by=self.by, allocation=row)


class FinancialYearResource(RecordResource):
    """Financial years, by the calendar year in whose April they begin."""

    model = FinancialYear
    key = ("first_year",)
