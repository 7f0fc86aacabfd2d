"""Responses altered by a penny: changes to one page or file, as an error in it would make them."""

import io
import json
from decimal import Decimal
from urllib.parse import urlsplit

import openpyxl
import pytest
from django.http import HttpResponse

from funding.reconcile import outputs

PENNY = Decimal("0.01")


class AlteredResponses:
    """Middleware that changes the response at one address, as an error in a page or download would."""

    path, change = "", staticmethod(lambda content: content)

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.path != self.path:
            return response
        try:
            content = type(self).change(response.getvalue())
        finally:
            for close in response._resource_closers:  # not `close()`, which would end the test's connection too
                close()
        return HttpResponse(content, headers={"Content-Type": response["Content-Type"]})


def serve_once(monkeypatch: pytest.MonkeyPatch, served: dict[str, bytes]) -> None:
    """Let `reconcile` reread what was served of the same rows before, except where something is planted."""
    fetch = outputs.fetch

    def fetch_once(path: str) -> bytes:
        if urlsplit(path).path == AlteredResponses.path:
            return fetch(path)
        if path not in served:
            served[path] = fetch(path)
        return served[path]

    monkeypatch.setattr(outputs, "fetch", fetch_once)


def in_text(before, after):
    def change(content):
        assert before.encode() in content, content.decode()
        return content.replace(before.encode(), after.encode(), 1)

    return change


def in_workbook(sheet, column):
    def change(content):
        book = openpyxl.load_workbook(io.BytesIO(content))
        rows = book[sheet]
        place = [cell.value for cell in rows[1]].index(column) + 1
        rows.cell(2, place).value += 0.01
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()

    return change


def in_json(rows, column):
    def change(content):
        found = json.loads(content)
        row = next(row for row in found[rows] if row[column] is not None)
        more = Decimal(str(row[column])) + PENNY
        row[column] = str(more) if isinstance(row[column], str) else float(more)
        return json.dumps(found).encode()

    return change
