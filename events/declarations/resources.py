"""Bodies to be invited, in bulk: a file or a pasted list, through the one rule that invites, all of them or none."""

import csv
import io
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from import_export import fields
from import_export.formats import base_formats
from import_export.results import RowResult

from events.declarations.models import DeclarationVersion, Invitation
from events.declarations.rules import Invited, Invitee, invite_all, require_inviting
from partners.models import Sector
from vru_portal.importing import FileResource, FileRow, Text
from vru_portal.record_columns import KEYS
from vru_portal.sheets import check_size, dataset_of, text_of

COLUMNS = ("organisation", "email", "contact_name", "sector")
HEADINGS = {"organisation", "organization", "body", "name"}  # how the first line of a pasted list begins if it has one
ALIASES = {"organization": "organisation", "e-mail": "email", "mail": "email", "contact": "contact_name"}


class PastedList(base_formats.Format):
    """Lines typed or pasted: organisation, email, and perhaps contact name and sector; with or without headings."""

    def __init__(self, encoding: str | None = None) -> None:
        super().__init__()

    def get_title(self) -> str:
        """What it is called."""
        return "Pasted list"

    def can_import(self) -> bool:
        """Read it."""
        return True

    def is_binary(self) -> bool:
        """Keep it as it came."""
        return True

    def get_read_mode(self) -> str:
        """Read bytes."""
        return "rb"

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Read the lines; each keeps its number."""
        check_size(len(in_stream))
        lines = in_stream.decode().removeprefix("\N{BYTE ORDER MARK}").splitlines()
        first = next((line for line in lines if line.strip()), "")
        mark = next((mark for mark in "\t;," if mark in first), ",")
        rows = [cells_of(line, mark) for line in lines]
        headed = bool(rows) and bool(rows[0]) and rows[0][0].strip().casefold() in HEADINGS
        if headed:
            headings = [cell.strip().casefold().replace(" ", "_") for cell in rows.pop(0)]
            headings[0] = COLUMNS[0]
        else:
            width = max((len(row) for row in rows), default=0)
            headings = list(COLUMNS[: max(2, width)])
        first_row = 2 if headed else 1
        for number, row in enumerate(rows, first_row):
            if any(row[len(headings) :]):
                raise ValidationError(
                    f"Row {number} has more cells than there are columns. Put a name with a comma in double quotes."
                )
        dataset = dataset_of([headings, *rows])
        dataset.first_row = first_row
        return dataset


def cells_of(line: str, mark: str) -> list[str]:
    """Return the cells of a line; raises ValidationError where its quotes have no end."""
    try:
        return next(csv.reader(io.StringIO(line), delimiter=mark, skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise ValidationError(f"A line cannot be read ({error}): {line[:80]}") from error


class InvitationResource(FileResource):
    """Bodies to be invited."""

    required = ("organisation", "email")
    aliases = ALIASES
    what = "invitations"
    permission = "declarations.add_invitation"

    organisation = fields.Field(column_name="organisation", widget=Text())
    email = fields.Field(column_name="email", widget=Text())
    contact_name = fields.Field(column_name="contact_name", widget=Text())
    sector = fields.Field(column_name="sector", widget=Text())

    class Meta(FileResource.Meta):
        model = Invitation
        use_bulk = True  # no savepoint for each row: the rule asks for all of them at once

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the file, then invite everybody in it, at once."""
        require_inviting()
        super().prepare(dataset)
        self.first_row = getattr(dataset, "first_row", 2)
        rows = [{name: text_of(cell) for name, cell in zip(dataset.headers, row, strict=True)} for row in dataset]
        self.outcomes: list[Invited | None] = [None] * len(rows)
        asked: list[tuple[int, Invitee]] = []
        for number, row in enumerate(rows):
            if not any(row.values()):
                continue
            try:
                asked.append((number, self.invitee(row)))
            except ValidationError as error:
                self.outcomes[number] = Invited(error=error)
        places = [number + self.first_row for number, _ in asked]
        found = invite_all(by=self.by, invitees=[row for _, row in asked], places=places)
        for (number, _), outcome in zip(asked, found, strict=True):
            self.outcomes[number] = outcome

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch the sectors, by name and by the last part of their address."""
        self.sectors: dict[str, Sector] = {}
        for sector in Sector.objects.all() if keys.get("sector") else ():
            self.sectors |= {sector.slug.casefold(): sector, sector.name.casefold(): sector}

    def invitee(self, row: dict[str, str]) -> Invitee:
        """Return who is to be invited; raises ValidationError for a sector that is not known."""
        named = row.get("sector", "")
        if named and named.casefold() not in self.sectors:
            known = ", ".join(sorted({sector.name for sector in self.sectors.values()})) or "there is none yet"
            raise ValidationError({"sector": f"There is no sector “{named}”. Known are: {known}."})
        return Invitee(
            organisation=row["organisation"],
            email=row["email"],
            contact_name=row.get("contact_name", ""),
            sector=self.sectors.get(named.casefold()) if named else None,
        )

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> FileRow:
        """Say what became of a row."""
        number: int = kwargs["row_number"] - 1
        result = FileRow()
        result.row_values = row
        result.number, result.cells = number + self.first_row, tuple(map(text_of, row.values()))
        outcome = self.outcomes[number] or Invited()
        if outcome.error:
            result.import_type, result.validation_error = RowResult.IMPORT_TYPE_INVALID, outcome.error
        elif outcome.invitation:
            result.import_type, result.instance = RowResult.IMPORT_TYPE_NEW, outcome.invitation
        else:
            result.import_type = RowResult.IMPORT_TYPE_SKIP
            if outcome.because:
                result.notes = (f"{text_of(row['organisation'])}: {outcome.because}",)
        return result


KEYS[DeclarationVersion] = ("declaration", "number")  # exported only: a wording is published by a step, never changed
