from django.db import models


class MeasureKind(models.TextChoices):
    """What a measure says: whom the work reached, what was done, or what changed."""

    REACH = "reach", "Reach"
    OUTPUT = "output", "Output"
    OUTCOME = "outcome", "Outcome"

    @property
    def means(self) -> str:
        """An explanation for readers."""
        return {
            MeasureKind.REACH: "Who the work reached.",
            MeasureKind.OUTPUT: "What was done.",
            MeasureKind.OUTCOME: "What changed.",
        }[self]


class ReturnMailKind(models.TextChoices):
    """What an email is about. Its templates are templates/mail/return_<kind>."""

    REQUEST = "request", "Request for figures"
    REMINDER = "reminder", "Reminder"
    CONFIRM = "confirm", "Please confirm"
    QUERY = "query", "Question about the figures"
    RECEIVED = "received", "Figures received"
    APPROVED = "approved", "Figures published"
    CANCELLED = "cancel", "Figures no longer needed"


class ReturnStatus(models.TextChoices):
    """What the public is told of a return."""

    DUE = "due", "Due"
    LATE = "late", "Not reported"
    CHECKING = "checking", "Reported, being checked"
    PUBLISHED = "published", "Published"


class WorkbookField(models.TextChoices):
    """What a column of the workbook for the grant's own reporting can hold."""

    INITIATIVE = "initiative", "Initiative"
    LEVEL = "level", "Level of prevention"
    ORGANISATION = "organisation", "Organisation that reported"
    AREAS = "areas", "Areas served"
    AREA_CODES = "area_codes", "Official codes of the areas"
    QUARTER = "quarter", "Quarter"
    STARTS_ON = "starts_on", "First day of the quarter"
    ENDS_ON = "ends_on", "Last day of the quarter"
    MEASURE = "measure", "Count of a measure"
    SPEND = "spend", "Spend reported"
    WENT_WELL = "went_well", "What went well"
    WENT_BADLY = "went_badly", "What did not go well"
    APPROVED_ON = "approved_on", "Day of approval"


RETURN_COLUMNS = ("initiative", "organisation", "quarter")  # which every file of figures needs


# What files say in place of a figure that is too small to publish.
SUPPRESSED = "suppressed"
