"""Tables as downloads, in each of the formats that the portal offers."""

from collections.abc import Sequence
from typing import IO, Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from vru_portal.tabular.writers import Table, csv_parts, json_parts, write_xlsx, xlsx_file
from vru_portal.web.file_responses import opened_file_response, streamed_file_response, text_response

FORMATS = ("csv", "json", "xlsx")


def write_table(table: Table[Any], file_format: str, file: IO[bytes]) -> None:
    """Write a table in one of `FORMATS`."""
    if file_format == "xlsx":
        write_xlsx(table, file)
        return
    for part in csv_parts(table) if file_format == "csv" else json_parts(table):
        file.write(part.encode())


def unknown_format(form: str, formats: Sequence[str] = FORMATS) -> HttpResponse:
    """The answer where a file is asked for in a format that it does not have."""
    return text_response(f"There is no format “{form[:20]}”. Use one of: {', '.join(formats)}.", 404)


def table_response(request: HttpRequest, table: Table[Any], file_format: str, name: str) -> HttpResponseBase:
    """A table in one of `FORMATS`. CSV and JSON are streamed; a workbook can only be sent once it is complete."""
    if request.method == "HEAD":
        return streamed_file_response(request, (), name)
    if file_format == "xlsx":
        return opened_file_response(xlsx_file(table), name)
    parts = csv_parts(table) if file_format == "csv" else json_parts(table)
    return streamed_file_response(request, parts, name)
