"""Inviting organisations in bulk, from a file or a pasted list: all of them or none."""

import csv
import io
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from import_export import fields
from import_export.formats import base_formats
from import_export.results import RowResult

from events.declarations.models import DeclarationVersion, Invitation
from events.declarations.rules.availability import require_inviting_open
from events.declarations.rules.invitations import InvitationOutcome, Invitee, check_invitee, invite_all
from partners.models import Sector
from vru_portal.tabular.outcomes import ImportedRow
from vru_portal.tabular.readers import build_dataset, cell_text, check_size, refuse_more_cells
from vru_portal.tabular.records.columns import KEY_FIELDS
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.widgets import TextWidget
from vru_portal.text.cleaning import fold
from vru_portal.text.problems import Problems, collect_problems

INVITATION_COLUMNS = ("organisation", "email", "contact_name", "sector")
FIRST_COLUMN_HEADINGS = {
    "organisation",
    "organization",
    "body",
    "name",
}  # a pasted list that begins so has a heading line
COLUMN_ALIASES = {
    "organisation": ("organization", "body", "name", "organisation name", "organization name"),
    "email": ("e-mail", "mail", "email address", "e-mail address"),
    "contact_name": ("contact", "contact person"),
}


class PastedList(base_formats.Format):
    """Pasted lines: organisation, email and optionally contact name and sector, with or without a heading line."""

    def __init__(self, encoding: str | None = None) -> None:
        super().__init__()

    def get_title(self) -> str:
        return "Pasted list"

    def can_import(self) -> bool:
        return True

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Read the lines. Empty lines stay in, so that messages name the line numbers that the user sees."""
        check_size(len(in_stream))
        lines = in_stream.decode().removeprefix("\N{BYTE ORDER MARK}").splitlines()
        first = next((line for line in lines if line.strip()), "")
        delimiter = next((delimiter for delimiter in "\t;," if delimiter in first), ",")
        rows = [split_cells(line, delimiter) for line in lines]
        headed = bool(rows) and bool(rows[0]) and fold(rows[0][0]) in FIRST_COLUMN_HEADINGS
        if headed:
            headings = rows.pop(0)
        else:
            width = max((len(row) for row in rows), default=0)
            headings = list(INVITATION_COLUMNS[: max(2, width)])
        first_row = 2 if headed else 1
        too_long = [number for number, row in enumerate(rows, first_row) if any(row[len(headings) :])]
        refuse_more_cells(too_long, "Put double quotes around names with a comma.")
        return build_dataset([headings, *rows], first_row=first_row - 1)


def split_cells(line: str, delimiter: str) -> list[str]:
    """Raises ValidationError if a quotation mark is not closed."""
    try:
        return next(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise ValidationError(f"This line cannot be read ({error}): {line[:80]}") from error


class InvitationResource(FileResource):
    """Invitations read from a file or list."""

    required = ("organisation", "email")
    aliases = COLUMN_ALIASES
    rows_label = "invitations"
    permission = "declarations.add_invitation"

    organisation = fields.Field(column_name="organisation", widget=TextWidget())
    email = fields.Field(column_name="email", widget=TextWidget())
    contact_name = fields.Field(column_name="contact_name", widget=TextWidget())
    sector = fields.Field(column_name="sector", widget=TextWidget())

    class Meta(FileResource.Meta):
        model = Invitation
        use_bulk = True  # no savepoint for each row: `invite_all` handles all rows at once

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the file, then invite everybody in it. `import_row` later only reports the outcome of each row."""
        require_inviting_open()
        super().prepare(dataset)
        rows = [{name: cell_text(cell) for name, cell in zip(dataset.headers, row, strict=True)} for row in dataset]
        self.outcomes: list[InvitationOutcome | None] = [None] * len(rows)
        invitees: list[tuple[int, Invitee]] = []
        for number, row in enumerate(rows):
            if not any(row.values()):
                continue
            problems = Problems()
            with collect_problems(problems):
                self.before_import_row(row, row_number=number + 1)
            with collect_problems(problems):
                invitee = self.invitee(row)
            if problems:
                others = Problems()
                with collect_problems(others):
                    check_invitee(Invitee(row["organisation"], row["email"], row.get("contact_name", "")))
                self.outcomes[number] = InvitationOutcome(error=ValidationError({**others, **problems}))
            else:
                invitees.append((number, invitee))
        row_numbers = [number + self.first_row for number, _ in invitees]
        outcomes = invite_all(by=self.by, invitees=[row for _, row in invitees], row_numbers=row_numbers)
        for (number, _), outcome in zip(invitees, outcomes, strict=True):
            self.outcomes[number] = outcome

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch the sectors, by name and by slug."""
        self.sectors: dict[str, Sector] = {}
        for sector in Sector.objects.all() if keys.get("sector") else ():
            self.sectors |= {fold(sector.slug): sector, fold(sector.name): sector}

    def invitee(self, row: dict[str, str]) -> Invitee:
        """Raises ValidationError for an unknown sector."""
        name = row.get("sector", "")
        if name and fold(name) not in self.sectors:
            known = ", ".join(sorted({sector.name for sector in self.sectors.values()})) or "none yet"
            raise ValidationError({"sector": f"There is no sector “{name}”. The sectors are: {known}."})
        return Invitee(
            organisation=row["organisation"],
            email=row["email"],
            contact_name=row.get("contact_name", ""),
            sector=self.sectors.get(fold(name)) if name else None,
        )

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> ImportedRow:
        """Report the result of a row."""
        number: int = kwargs["row_number"] - 1
        result = ImportedRow()
        result.row_values = row
        result.number, result.cells = number + self.first_row, tuple(map(cell_text, row.values()))
        outcome = self.outcomes[number] or InvitationOutcome()
        if outcome.error:
            result.import_type, result.validation_error = RowResult.IMPORT_TYPE_INVALID, outcome.error
        elif outcome.invitation:
            result.import_type, result.instance = RowResult.IMPORT_TYPE_NEW, outcome.invitation
            result.notes = (outcome.note,) if outcome.note else ()
        else:
            result.import_type = RowResult.IMPORT_TYPE_SKIP
            if outcome.skipped_reason:
                result.notes = (f"{cell_text(row['organisation'])}: {outcome.skipped_reason}",)
        return result


KEY_FIELDS[DeclarationVersion] = (
    "declaration",
    "number",
)  # exported only: versions are published by an action, never imported
