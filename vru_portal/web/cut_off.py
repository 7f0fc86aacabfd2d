"""The cut-off date of a list, read from the parameters `as_at` and `basis` of an address."""

from django.http import QueryDict
from django.utils import timezone

from vru_portal.ledger.cut_off import NOW, Basis, CutOff
from vru_portal.text.dates import parse_iso_date
from vru_portal.web.filters import Filters, choice, day


def read_cut_off(data: QueryDict) -> tuple[CutOff, dict[str, str]]:
    """The day and basis that an address asks for, and errors by parameter. With an error, the day is now."""
    filters = Filters(data, DAY_PARAMETERS)
    asked_for = parse_iso_date(filters.value("as_at"))
    if asked_for and asked_for > timezone.localdate():
        filters.errors["as_at"] = "The date must be today or in the past."
    if filters.errors or asked_for is None:
        return NOW, filters.errors
    return CutOff(asked_for, Basis(filters.value("basis") or Basis.KNOWN)), {}


# Every list has these as well. They do not leave out rows, but choose the time of the list.
DAY_PARAMETERS = {
    "as_at": day("Day", narrows=False),
    "basis": choice(
        "What counts",
        Basis.values,
        error=f"Enter “{Basis.KNOWN}” or “{Basis.DATED}” as the basis.",
        narrows=False,
    ),
}
