"""The cut-off date of a list, read from the parameters `as_at` and `basis` of an address."""

from django.http import QueryDict
from django.utils import timezone

from vru_portal.ledger.cut_off import NOW, Basis, CutOff
from vru_portal.text.dates import parse_iso_date
from vru_portal.web.filters import Filters, Parameter, choice


def read_cut_off(data: QueryDict) -> tuple[CutOff, dict[str, str]]:
    """The day and basis that an address asks for, and errors by parameter. With an error, the day is now."""
    filters = Filters(data, DAY_PARAMETERS)
    day = parse_iso_date(filters.value("as_at"))
    if day and day > timezone.localdate():
        filters.errors["as_at"] = "The date must be today or in the past."
    if filters.errors or day is None:
        return NOW, filters.errors
    return CutOff(day, Basis(filters.value("basis") or Basis.KNOWN)), {}


DATE_ERROR = "Enter a date in the format 2019-12-01."
# Every list has these as well. They do not leave out rows, but choose the time of the list.
DAY_PARAMETERS = {
    "as_at": Parameter(
        "Day",
        lambda value: parse_iso_date(value) is not None,
        DATE_ERROR,
        narrows=False,
        schema={"format": "date"},
    ),
    "basis": choice(
        "What counts",
        Basis.values,
        error=f"Enter “{Basis.KNOWN}” or “{Basis.DATED}” as the basis.",
        narrows=False,
    ),
}
