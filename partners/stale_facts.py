"""Facts that nobody has checked for a year."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from vru_portal.staff.base_admin import OptionFilter

DAYS_UNTIL_RECHECK = 365


def unchecked() -> Q:
    """The condition for facts that neither their source nor staff have confirmed within a year."""
    year_ago = timezone.localdate() - timedelta(days=DAYS_UNTIL_RECHECK)
    return Q(checked_on=None, as_at__lt=year_ago) | Q(checked_on__lt=year_ago)


class CheckedFilter(OptionFilter):
    """Filters facts by whether their source or staff have confirmed them within a year."""

    title = "checked"
    parameter_name = "checked"
    options = {
        "yes": ("Within a year", lambda rows: rows.exclude(unchecked())),
        "no": ("Not for a year", lambda rows: rows.filter(unchecked())),
    }
