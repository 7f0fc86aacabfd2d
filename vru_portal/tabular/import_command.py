"""What the `manage.py` commands that record a file of rows have in common."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from vru_portal.tabular.readers import CSV, ODS, XLSX, check_size, format_of
from vru_portal.tabular.resources import FileResource


class ImportCommand(BaseCommand):
    """Records a file, or shows what recording it would do."""

    resource_class: ClassVar[type[FileResource]]
    needs_staff = True  # whether --by, the member of staff who records the file, is required

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV, XLSX or ODS file with column names")
        parser.add_argument(
            "--by", required=self.needs_staff, metavar="USERNAME", help="the member of staff who records it"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be recorded, and record nothing")

        if self.resource_class.may_leave_out:
            parser.add_argument(
                "--good-rows", action="store_true", help="record the valid rows even if others are refused"
            )

    def handle(self, *, file: Path, by: str | None, dry_run: bool, good_rows: bool = False, **options: Any) -> None:
        staff, problems = None, []
        try:
            staff = self.get_staff(by) if by else None
        except CommandError as error:
            problems.append(str(error))
        try:
            dataset = self.read(file)
        except CommandError as error:
            problems.append(str(error))
        if problems:
            raise CommandError("\n".join(problems))
        left_out = None
        if good_rows:
            left_out = self.resource_class(by=staff).run(dataset, dry_run=True).refused_numbers
            dataset = self.read(file)  # reading the columns has taken the first one apart
        result = self.resource_class(by=staff).run(dataset, dry_run=dry_run, left_out=left_out)
        for note in result.reading:
            self.stdout.write(note)
        for problem in result.problems:
            self.stderr.write(problem)
        if result.is_refused:
            raise CommandError(f"Nothing was recorded: {len(result.problems)} problems in {file}.")
        self.report(result, dry_run=dry_run)

    def report(self, result: Any, *, dry_run: bool) -> None:
        for note in result.notes:
            self.stdout.write(f"Check: {note}")
        verb = "This file would record" if dry_run else "Recorded"
        self.stdout.write(f"{verb}: {result.summary}. Already recorded: {result.unchanged}.")

    def get_staff(self, username: str) -> Any:
        """The member of staff, who needs the permission to record the same rows by hand; raises CommandError."""
        user = get_user_model()._default_manager.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active member of staff with the username {username}.")
        if not user.has_perm(self.resource_class.permission):
            raise CommandError(
                f"{username} does not have permission to record {self.resource_class.rows_label} "
                f"({self.resource_class.permission})."
            )
        return user

    def read(self, file: Path) -> Any:
        try:
            check_size(file.stat().st_size)
            content = file.read_bytes()
            return format_of(content, (CSV, XLSX, ODS))().create_dataset(content)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise CommandError(f"{file}: {' '.join(error.messages)}") from error
