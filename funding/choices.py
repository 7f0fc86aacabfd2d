from django.db import models


class AllocationKind(models.TextChoices):
    """The kind of an allocation, which decides what must be published about it."""

    GRANT = "grant", "Grant"
    CONTRACT = "contract", "Contract or service"
    OWN = "own", "Own costs"


class CostKind(models.TextChoices):
    """What a budget heading pays for: the kinds of cost that funders' conditions distinguish."""

    STAFF = "staff", "Staff"
    EVALUATION = "evaluation", "Evaluation"
    ENGAGEMENT = "engagement", "Engagement"
    CAPACITY = "capacity", "Capacity of partners"
    INTERVENTIONS = "interventions", "Interventions"
    OTHER = "other", "Other"


class VariationKind(models.TextChoices):
    """What happens to money that will not be spent as it was allocated."""

    RELEASE = "release", "Released"
    MOVE = "move", "Moved"
    RETURN = "return", "Returned to the funder"
    END = "end", "Ended"


class ConditionKind(models.TextChoices):
    """What a funder asks in return for its money."""

    AT_LEAST = "at-least", "At least"
    AT_MOST = "at-most", "At most"
    MATCH = "match", "Match funding by others"
    SPEND_BY = "spend-by", "To be spent by"
    CLAIM_BY = "claim-by", "To be claimed by"


class ConditionState(models.TextChoices):
    """Whether a condition is met on a given day."""

    MET = "met", "Met"
    MISSED = "missed", "Missed"
    OPEN = "open", "Open"


class RegrantType(models.TextChoices):
    """How a recipient awards a grant on: the codelist “Regrant Type” of the 360Giving standard."""

    COMMON = "FRG010", "Common regrant"
    INTERMEDIARY = "FRG020", "Transfer to intermediary"
    MATCH = "FRG030", "Match funding"
    COLLABORATION = "FRG040", "Funder collaboration"
    SPONSOR = "FRG050", "Fiscal sponsor"
    ENDOWMENT = "FRG060", "Endowment"
    MULTIPURPOSE = "FRG070", "Multipurpose"


class OnwardMailKind(models.TextChoices):
    """What an email about a request for onward grants is about. Its templates are templates/mail/onward_<kind>."""

    REQUEST = "request", "Request for onward grants"
    REMINDER = "reminder", "Reminder"
    CONFIRM = "confirm", "Please confirm"
    QUERY = "query", "Question about the grants"
    RECEIVED = "received", "Grants received"
    APPROVED = "approved", "Grants published"
    CANCELLED = "cancel", "Grants no longer needed"


class Irregularity(models.TextChoices):
    """Why a payment is an exception. It has still happened, so it is recorded and shown.

    Pages, files and messages say “exception”. Code says “irregularity”: in Python, “exception” means something else.
    """

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


# Which of these lists an allocation belongs to. Single payments that are not grants are on the list of items.
DUTY_LIST_OF_KIND = {AllocationKind.GRANT: DutyList.GRANTS, AllocationKind.CONTRACT: DutyList.CONTRACTS}


class DutyField(models.TextChoices):
    """What a publication duty can ask to be stated. A column of the duty can give a field its own label."""

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


# The free-text fields of allocations and payments.
ALLOCATION_TEXT_FIELDS = ("purpose", "conditions", "reasons", "value_for_money", "department", "merchant_category")
PAYMENT_TEXT_FIELDS = ("purpose", "value_for_money", "department", "merchant_category")

NO_PERSONAL_DATA = "Published: no personal data."
