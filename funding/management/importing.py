from typing import Any

from vru_portal.tabular.import_command import ImportCommand


class LedgerCommand(ImportCommand):
    """Record a file of the ledger, or show what recording it would do."""

    def report(self, result: Any, *, dry_run: bool) -> None:
        """Name the exceptions too: they are public."""
        for exception in result.exceptions:
            self.stdout.write(f"Exception: {exception}")
        super().report(result, dry_run=dry_run)
        self.stdout.write(f"Exceptions: {len(result.exceptions)}.")
