"""`manage.py crawl`: open every public page, and say which cannot be opened."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vru_portal.operations.backup.crawl import crawl


class Command(BaseCommand):
    """Open every public page."""

    help = "Follows links to every public page and download, and names those that cannot be opened."

    def handle(self, **options: Any) -> None:
        found = crawl()
        if found.failed:
            named = ", ".join(f"{address} ({status})" for address, status in sorted(found.failed.items())[:5])
            raise CommandError(f"{len(found.failed)} pages cannot be opened: {named}")
        if found.is_complete:
            self.stdout.write(f"All {len(found.opened)} pages can be opened.")
        else:
            self.stdout.write(f"The first {len(found.opened)} pages can be opened. The others were not tried.")
