"""`manage.py record_returns FILE --by USERNAME`: record figures that organisations sent in a file."""

from programmes.results.resources import ReturnResource
from vru_portal.tabular.import_command import ImportCommand


class Command(ImportCommand):
    """Record returns of figures, for staff to check and approve."""

    help = (
        "Records the figures of a CSV, XLSX or ODS file, one row for each initiative, organisation and quarter: all of "
        "them, or none, with what is wrong in each row. Nothing is published until staff have approved it."
    )
    resource_class = ReturnResource
