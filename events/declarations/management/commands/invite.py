"""`manage.py invite FILE.csv [--dry-run]`: invite the organisations in a file to sign the declaration."""

from typing import Any

from events.declarations.resources import InvitationResource
from vru_portal.tabular.import_command import ImportCommand


class Command(ImportCommand):
    """Invite organisations."""

    help = (
        "Invites the organisations in a CSV or XLSX file, all of them or none. Columns: organisation and email, and "
        "optionally contact_name and sector. Organisations that have already been invited get no email."
    )
    resource_class = InvitationResource
    needs_staff = False

    def report(self, result: Any, *, dry_run: bool) -> None:
        for note in result.notes:
            self.stdout.write(note)
        done = "This file would send" if dry_run else "Waiting to be sent"
        self.stdout.write(f"{done}: {result.summary}. Skipped: {result.unchanged} rows.")
