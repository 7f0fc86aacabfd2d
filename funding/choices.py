from django.db import models


class Kind(models.TextChoices):
    """What an allocation is, to the law that says what is published of it."""

    GRANT = "grant", "Grant"
    CONTRACT = "contract", "Contract or service"


class Basis(models.TextChoices):
    """What “as at a day” means: what was known by then, or what is dated by then and may have been learned since."""

    KNOWN = "known", "as known by that day"
    DATED = "dated", "as dated by that day"


class Irregularity(models.TextChoices):
    """Why a payment is an exception: a fact all the same, so it is recorded and shown."""

    OVER = "over", "Over its allocation"
    UNASSESSED = "unassessed", "Before its assessment was approved"
    LATE = "late", "After the money had to be spent"
    OUTSIDE = "outside", "Outside the financial year"
    RETURNED = "returned", "More paid back than was paid"


class DutyList(models.TextChoices):
    """The lists that a publication duty asks for."""

    GRANTS = "grants", "Grants"
    ITEMS = "items", "Items of expenditure other than grants"
    CONTRACTS = "contracts", "Contracts"


class DutyField(models.TextChoices):
    """What a publication duty can ask to be stated, in this regime's own words where its columns say so."""

    RECIPIENT = "recipient", "Recipient"
    AMOUNT = "amount", "Sum"
    DATE = "date", "Date"
    PURPOSE = "purpose", "Purpose"
    CONDITIONS = "conditions", "Conditions"
    REASONS = "reasons", "Reasons"
    VALUE_FOR_MONEY = "value_for_money", "Why it is value for money"
    DEPARTMENT = "department", "Department"
    MERCHANT_CATEGORY = "merchant_category", "Merchant category"
    IRRECOVERABLE_VAT = "irrecoverable_vat", "VAT that cannot be recovered"


# What staff write in sentences, on an allocation and on a payment.
ALLOCATION_WORDS = ("purpose", "conditions", "reasons", "value_for_money", "department", "merchant_category")
PAYMENT_WORDS = ("purpose", "value_for_money", "department", "merchant_category")
