"""What `manage.py` commands that record a file of rows have in common."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from vru_portal.importing import FileResource
from vru_portal.sheets import CSV, LARGEST, XLSX, check_size


class ImportCommand(BaseCommand):
    """Record a file, or show what recording it would do."""

    resource_class: ClassVar[type[FileResource]]
    needs_staff = True  # whether somebody must be named who records it

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and who records it."""
        parser.add_argument("file", type=Path, help="CSV (UTF-8) or XLSX, whose first row names the columns")
        parser.add_argument(
            "--by", required=self.needs_staff, metavar="USERNAME", help="the member of staff who records it"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what it would do, and record nothing")

    def handle(self, *, file: Path, by: str | None, dry_run: bool, **options: Any) -> None:
        """Record the file; raises CommandError, with nothing recorded, where a row is refused."""
        resource = self.resource_class(by=self.staff(by) if by else None)
        result = resource.run(self.read(file), dry_run=dry_run)
        for problem in result.problems:
            self.stderr.write(problem)
        if result.problems:
            raise CommandError(f"Nothing was recorded: {len(result.problems)} problems in {file}.")
        self.report(result, dry_run=dry_run)

    def report(self, result: Any, *, dry_run: bool) -> None:
        """Say what was recorded, or would be."""
        done = "This file would record" if dry_run else "Recorded"
        self.stdout.write(f"{done}: {result.summary}. Recorded already: {result.unchanged}.")

    def staff(self, username: str) -> Any:
        """Return the member of staff, who must have the right to record this by hand."""
        user = get_user_model()._default_manager.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active member of staff called {username}.")
        if not user.has_perm(self.resource_class.permission):
            raise CommandError(
                f"{username} may not record {self.resource_class.what} ({self.resource_class.permission})."
            )
        return user

    def read(self, file: Path) -> Any:
        """Return the table in a file."""
        form = XLSX if file.suffix.lower() == ".xlsx" else CSV
        try:
            check_size(file.stat().st_size)
            with file.open("rb") as stream:
                return form().create_dataset(stream.read(LARGEST + 1))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise CommandError(f"{file}: {' '.join(error.messages)}") from error
