"""Files of payments, as finance systems and the portal itself write them."""

import re
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.db.models.functions import Lower
from import_export import fields
from import_export.results import RowResult

from funding.missing_disclosures import fields_not_stated, warning_of
from funding.models import Payment
from funding.resources.ledger import LedgerResource, LedgerResult
from funding.resources.lookups import find_allocations
from funding.rules.payments import LIKENESS, check_payment, pay_all
from partners.models import Organisation
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.headings import ROWS_SEARCHED, heading_key
from vru_portal.tabular.reading.named_records import KEYS_PER_QUERY, NamedRecord, find_by_name
from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_form
from vru_portal.tabular.widgets import DateWidget, MoneyWidget, TextWidget
from vru_portal.text.cleaning import normalise_reference
from vru_portal.text.problems import Problems, collect_problems, raise_problems

# What a spreadsheet may have made of a reference: a number, a date such as 06/05/2031 or Dec-11, or lost characters.
RESAVED = re.compile(r"[-+.\d]+(?:E[-+]\d+)?|[\d/: ]+|(?:\d\d-)?[A-Z][a-z]{2}-?(?:\d\d)?|TRUE|FALSE|.*\?.*", re.DOTALL)
AWARD_NUMBERS = ("award number", "award reference", "grant number", "allocation number", "allocation reference")
# Columns of finance systems that are not read. None of them says whether, when or what was paid. A status or a currency
# might, so they are not here.
IGNORED_HEADINGS = (
    *("invoice number", "invoice reference", "invoice date", "supplier invoice number", "external invoice reference"),
    *("account", "account code", "account number", "cost centre", "cost center", "cost code"),
    *("gl code", "ledger code", "nominal code", "subjective", "project number", "project code", "company code"),
    *("client", "business unit", "period", "batch", "batch number", "line", "line number", "user", "entered by"),
)
# Not read either, if another column has the payee's name.
IGNORED_BESIDE_A_NAME = tuple(
    f"{who} {what}" for who in ("supplier", "vendor", "payee") for what in ("id", "number", "code", "site")
)
SHORTENED = re.compile(r"\d(?:\.\d+)?E[+-]\d+", re.IGNORECASE)


class PaymentResource(LedgerResource):
    """Payments from the finance system. Exceptions are recorded too, and listed in the result."""

    required = ("reference", "allocation", "paid_on")
    aliases = {
        "reference": (
            *("ref", "ref no", "reference no", "reference number", "payment reference", "payment ref", "payment no"),
            *("payment id", "transaction", "transaction no", "transaction number", "transaction reference"),
            *("transaction ref", "transaction id", "document no", "document number", "voucher no", "voucher number"),
        ),
        "allocation": ("allocation id", "award", "award id", "grant", "grant id", "grant reference", *AWARD_NUMBERS),
        "paid_on": ("payment date", "date", "date paid", "paid date", "date of payment", "transaction date"),
        "net": ("net amount", "net value", "net of vat", "amount net", "amount excluding vat", "amount ex vat"),
        "irrecoverable_vat": ("non recoverable vat", "vat not recoverable", "vat that cannot be recovered"),
        "amount": ("value", "amount paid", "payment amount", "sum", "total cost", "£", "gbp"),
        "payee": ("supplier", "vendor", "beneficiary", "paid to", "payee name", "supplier name", "vendor name"),
        "purpose": ("description", "details", "narrative", "summary", "purpose of payment", "invoice description"),
        "value_for_money": ("why it is value for money", "value for money reasons"),
        "department": ("service", "service area", "directorate"),
        "merchant_category": ("merchant", "category"),
    }
    # Columns of finance systems, and the other columns of the published list, which can be sent back as it is.
    ignored = (
        *IGNORED_HEADINGS,
        *("recorded_on", "financial_year", "payee_org_id", "state", "reversal_reason", "exceptions", "explanation"),
        *("kind", "initiative", "level", "heading", "source", "allocation_url", "example"),
    )
    required_note = ", and net with irrecoverable_vat, or amount where VAT is not stated"
    key = "reference"
    rows_label = "payments"
    recorded_together = True
    permission = "funding.add_payment"
    correction_advice = "Reverse it, then record the correct payment under a new reference."

    reference = fields.Field("reference", "reference", TextWidget())
    allocation = fields.Field("allocation", "allocation", NamedRecord("allocation"))
    paid_on = fields.Field("paid_on", "paid_on", DateWidget())
    net = fields.Field(column_name="net", widget=MoneyWidget())
    irrecoverable_vat = fields.Field("irrecoverable_vat", "irrecoverable_vat", MoneyWidget())
    amount = fields.Field("amount", "amount", MoneyWidget())
    payee = fields.Field("payee", "payee", NamedRecord("organisation"))
    purpose = fields.Field("purpose", "purpose", TextWidget())
    value_for_money = fields.Field("value_for_money", "value_for_money", TextWidget())
    department = fields.Field("department", "department", TextWidget())
    merchant_category = fields.Field("merchant_category", "merchant_category", TextWidget())

    class Meta(LedgerResource.Meta):
        model = Payment

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.resaved: dict[str, Payment] = {}  # recorded payments, by what a spreadsheet may make of their references
        self.rows_by_reference: dict[str, int] = {}

    def headings_not_read(self, dataset: tablib.Dataset) -> Sequence[str]:
        keys = {heading_key(name) for name in ("payee", *self.aliases["payee"])}
        named = any(heading_key(cell) in keys for row in [dataset.headers, *dataset[:ROWS_SEARCHED]] for cell in row)
        return [*super().headings_not_read(dataset), *(IGNORED_BESIDE_A_NAME if named else ())]

    def missing_columns(self, found: set[str | None]) -> list[str]:
        """A column for the amount is required too, in one of its two forms."""
        amount = [] if found & {"net", "amount"} else ["net with irrecoverable_vat, or amount"]
        return super().missing_columns(found) + amount

    def check_columns(self, dataset: tablib.Dataset) -> None:
        super().check_columns(dataset)
        if "net" in dataset.headers and not {"amount", "irrecoverable_vat"} & {*dataset.headers}:
            self.notes.append(
                "No column states VAT that cannot be recovered: the net amount is read as the whole amount."
            )

    def look_up(self, keys: dict[str, set[str]]) -> None:
        related = ("recipient", "initiative", "funding_source__year")
        found = find_allocations(keys["allocation"], *related)
        self.fields["allocation"].widget = NamedRecord("allocation", found)
        payees = find_by_name(Organisation, keys.get("payee", ()))
        self.fields["payee"].widget = NamedRecord("organisation", payees)
        self.recorded, self.resaved = {}, {}
        rows = Payment.objects.select_related("allocation__recipient", "allocation__initiative", "payee")
        references = {reference_key(reference) for reference in keys["reference"]}
        wanted = sorted(references | {f"'{reference}" for reference in references})  # as stored by earlier versions
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            same = rows.alias(same=Lower("reference")).filter(same__in=wanted[start : start + KEYS_PER_QUERY])
            self.recorded |= {reference_key(payment.reference): payment for payment in same}
        others = {text for text in keys["reference"] if reference_key(text) not in self.recorded}
        if any(RESAVED.fullmatch(text) for text in others):
            meant = by_resaved_form(Payment.objects.values_list("reference", flat=True))
            likely = {text: meant[text] for text in others if text in meant}
            found_rows = {p.reference: p for p in rows.filter(reference__in=sorted(set(likely.values())))}
            self.resaved = {text: found_rows[reference] for text, reference in likely.items()}

    def check_cells(self, instance: Payment, row: Any, problems: Problems, row_number: int) -> None:
        """Check the reference, and add up net and VAT."""
        if "reference" not in problems:
            with collect_problems(problems):
                self.check_reference(instance, row_number)
        if "net" in problems:
            return
        try:
            net = MoneyWidget().clean(row.get("net"))
        except ValueError as error:
            raise ValidationError({"net": str(error)}) from error
        if net is None or {"amount", "irrecoverable_vat"} & problems.keys():
            return
        if "irrecoverable_vat" not in row and instance.amount in (None, net):
            instance.amount = net
            return
        if instance.irrecoverable_vat is None:
            raise ValidationError(
                {"irrecoverable_vat": "Enter the VAT that cannot be recovered beside the net amount: 0 for none."}
            )
        total = net + instance.irrecoverable_vat
        if instance.amount is not None and instance.amount != total:
            raise ValidationError(
                {
                    "amount": f"The amount is {format_pounds(instance.amount)}, but net and VAT add up to "
                    f"{format_pounds(total)}."
                }
            )
        instance.amount = total

    def unread_fields(self, row: Any, problems: Problems) -> set[str]:
        """The amount too, if a part of it cannot be read."""
        unread = super().unread_fields(row, problems)
        if {"amount", "net", "irrecoverable_vat"} & problems.keys():
            return unread | {"amount"}
        return unread - {"amount"}

    def check_reference(self, instance: Payment, row_number: int) -> None:
        """Raise ValidationError for a reference that another payment has, or that a spreadsheet has shortened."""
        reference = instance.reference
        if SHORTENED.fullmatch(reference) and reference not in self.resaved:
            raise ValidationError(
                {"reference": f"“{reference}” was shortened by a spreadsheet. Format the column as text and try again."}
            )
        recorded = self.recorded.get(reference_key(reference))
        if recorded and recorded.reference != normalise_reference(reference):
            raise ValidationError(
                {"reference": f"{reference} is already recorded as {recorded.reference}. Capital letters do not make "
                 "another reference."}
            )  # fmt: skip
        first = self.rows_by_reference.setdefault(reference_key(reference), row_number)
        if reference and recorded is None and first != row_number:
            raise ValidationError({"reference": f"Row {first + self.first_row - 1} has the same reference."})

    def find_recorded(self, instance: Payment, row: Any) -> Payment | None:
        """The payment of the same reference, or of one that a spreadsheet has changed if all else is the same."""
        if recorded := self.recorded.get(reference_key(instance.reference)):
            return recorded
        likely = self.resaved.get(instance.reference)
        return likely if likely and not self.differences(instance, likely, row) else None

    def is_stated(self, row: Any, column: str) -> bool:
        """An empty payee means the recipient, and the amount can come as net and VAT."""
        if column == "amount":
            return True
        if column == "reference":  # it found the payment
            return False
        return bool(cell_text(row.get(column))) if column in ("payee", "irrecoverable_vat") else column in row

    def record(self, row: Payment) -> None:
        """Only check it, as long as others can write: `record_rows` has all of them recorded."""
        problems = Problems()
        with collect_problems(problems):
            check_payment(by=self.by, payment=row)
        if row.allocation_id is None:  # whose recipient is the payee, unless another is named
            problems.pop("payee", None)
        raise_problems(problems)

    def record_rows(self, result: LedgerResult) -> None:
        rows = result.new
        for place, error in pay_all(by=self.by, payments=[row.instance for row in rows]).items():
            row = rows[place]
            row.validation_error, row.import_type = error, RowResult.IMPORT_TYPE_INVALID
            result.append_invalid_row(row.number, row.row_values, error)

    def describe_recorded(self, result: LedgerResult) -> None:
        """Note the irregularities of the payments that were recorded, what they lack, and which may be there twice."""
        new = {row.instance.pk: row for row in result.rows if row.is_new()}
        pks = sorted(new)
        for start in range(0, len(pks), KEYS_PER_QUERY):
            some = pks[start : start + KEYS_PER_QUERY]
            irregular = Payment.objects.filter(pk__in=some).with_irregularities().irregular()
            for payment in irregular.select_related("allocation__funding_source__year"):
                new[payment.pk].exceptions = tuple(payment.irregularities)
            for pk, names in fields_not_stated(some).items():
                new[pk].notes += (warning_of(names),)
        self.note_likenesses(new)

    def note_likenesses(self, new: dict[int, Any]) -> None:
        """Note payments of the same allocation, day and sum: perhaps one of them is meant twice."""
        alike: dict[tuple[int, Any, Decimal], list[tuple[int, str]]] = defaultdict(list)
        allocations = sorted({row.instance.allocation_id for row in new.values()})
        days = {row.instance.paid_on for row in new.values()}
        for start in range(0, len(allocations), KEYS_PER_QUERY):
            rows = Payment.objects.standing().filter(
                allocation__in=allocations[start : start + KEYS_PER_QUERY], paid_on__range=(min(days), max(days))
            )
            for pk, reference, allocation, day, amount in rows.order_by("pk").values_list(
                "pk", "reference", "allocation", "paid_on", "amount"
            ):
                alike[allocation, day, amount].append((pk, reference))
        for pk, row in new.items():
            payment = row.instance
            others = alike[payment.allocation_id, payment.paid_on, payment.amount]
            if earlier := [reference for other, reference in others if other < pk]:
                row.notes += (LIKENESS.format(earlier[-1]),)


def reference_key(reference: str) -> str:
    """The key that all references share which the database takes for the same."""
    return normalise_reference(reference).lower()
