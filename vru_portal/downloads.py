"""Lists as files to be saved: kind, name, and their rows streamed."""

from collections.abc import Iterator
from typing import IO, Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from vru_portal.tables import Table, csv_parts, json_parts, xlsx_file

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def sent(request: HttpRequest, table: Table[Any], form: str, name: str) -> HttpResponseBase:
    """Return a list in a format; a HEAD request makes none."""
    if request.method == "HEAD":
        return headed(HttpResponse(), form, name)
    if form == "xlsx":
        file: IO[bytes] = xlsx_file(table)
        return headed(FileResponse(file), form, name)
    parts: Iterator[str] = csv_parts(table) if form == "csv" else json_parts(table)
    return headed(StreamingHttpResponse(parts), form, name)


def headed(response: HttpResponseBase, form: str, name: str) -> HttpResponseBase:
    """Add what kind of file it is, and under which name it is saved."""
    response.headers["Content-Type"] = TYPES[form]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
