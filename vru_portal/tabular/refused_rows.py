"""The refused rows of a file, as a file of their own with the reasons beside them: to be corrected and sent again."""

import json
from datetime import date, datetime
from typing import Any

from vru_portal.tabular.outcomes import ImportedRow, ImportResult
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.headings import REASONS_HEADING
from vru_portal.tabular.unconfirmed_files import UnconfirmedFile
from vru_portal.tabular.writers import Column, Table


def store_refused_rows(headings: list[str], rows: list[Any], first_row: int, result: ImportResult) -> str:
    """Keep the refused rows for a day; returns the name under which `refused_rows_table` finds them."""
    refused = [[*map(written, rows[row.number - first_row]), reasons(row)] for row in result.refused_rows]
    file = UnconfirmedFile()
    file.save(json.dumps({"headings": [*headings, REASONS_HEADING], "rows": refused}).encode())
    return str(file.name)


def refused_rows_table(name: str) -> Table[list[str]]:
    """Raises FileNotFoundError after a day."""
    kept = json.loads(UnconfirmedFile(name=name).read())
    places = [place for place, heading in enumerate(kept["headings"]) if heading]

    def column(place: int) -> Column[list[str]]:
        return Column(kept["headings"][place], "", lambda row: row[place])

    return Table({}, [column(place) for place in places], kept["rows"])


def reasons(row: ImportedRow) -> str:
    return " ".join(problem.removeprefix(f"Row {row.number}").lstrip(",: ") for problem in row.problems)


def written(cell: Any) -> str:
    return f"{cell:%d/%m/%Y}" if isinstance(cell, datetime | date) else cell_text(cell)
