"""`manage.py invite FILE.csv [--dry-run]`: invite the bodies of a file to sign the declaration."""

from typing import Any

from events.declarations.resources import InvitationResource
from vru_portal.import_command import ImportCommand


class Command(ImportCommand):
    """Invite bodies."""

    help = (
        "Invites the bodies of a CSV or XLSX file, all of them or none. Columns: organisation and email; contact_name "
        "and sector if you like. Whoever is invited already is mailed nothing."
    )
    resource_class = InvitationResource
    needs_staff = False

    def report(self, result: Any, *, dry_run: bool) -> None:
        """Say who is invited, and who was left out and why."""
        for note in result.notes:
            self.stdout.write(note)
        done = "This file would send" if dry_run else "Waiting to be sent"
        self.stdout.write(f"{done}: {result.summary}. Left out: {result.unchanged} rows.")
