"""`manage.py allocate FILE --by USERNAME`: record allocations from a file."""

from funding.management.importing import LedgerCommand
from funding.resources import AllocationResource


class Command(LedgerCommand):
    """Record allocations."""

    help = "Records the allocations of a CSV or XLSX file: all of them, or none, with what is wrong in each row."
    resource_class = AllocationResource
