"""`manage.py pay FILE --by USERNAME`: record payments from the finance system's file."""

from funding.management.importing import LedgerCommand
from funding.resources import PaymentResource


class Command(LedgerCommand):
    """Record payments."""

    help = "Records the payments in a CSV, XLSX or ODS file: all of them, or none. Exceptions are recorded, and named."
    resource_class = PaymentResource
