"""`manage.py allocate FILE --by USERNAME`: record allocations from a file."""

from funding.management.importing import LedgerCommand
from funding.resources import AllocationResource


class Command(LedgerCommand):
    """Record allocations."""

    help = "Records the allocations in a CSV, XLSX or ODS file: all of them, or none. Says what is wrong with each row."
    resource_class = AllocationResource
