"""Files of allocations and payments, and the two ways to send them: the command and the admin."""

import csv
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from programmes.models import PreventionLevel
from tests.support.crawler import text_of
from tests.support.factories import (
    AssessmentDecisionFactory,
    DecisionFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
)
from vru_portal.tabular.readers import CSV


def as_csv(rows):
    """Return rows, each a dict with the same keys, as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows):
    """Return rows as the bytes of a workbook."""
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# Two doors: each takes a file and says what became of it --------------------------------------------------------------


def by_command(name, content, client, tmp_path, suffix="csv"):
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, str(path), by="officer", stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue() + err.getvalue()


def by_admin(name, content, client, tmp_path, suffix="csv"):
    model = {"allocate": "allocation", "pay": "payment"}[name]
    address = f"/admin/funding/{model}/"
    sent = {"import_file": SimpleUploadedFile(f"file.{suffix}", content), "format": {"csv": 0, "xlsx": 1}[suffix]}
    tried = client.post(f"{address}import/", sent)
    said = text_of(tried)
    form = tried.context.get("confirm_form")
    if form is None or "Nothing was recorded" in said:
        return said
    assert "Nothing is recorded yet." in said
    return said + text_of(client.post(f"{address}process_import/", form.initial, follow=True))


BOTH_IMPORTS = pytest.mark.parametrize("import_file", [by_command, by_admin])


def allocation(source, **values):
    """Return a row of a file that allocates £100 where everything is in order."""
    initiative = InitiativeFactory(level=PreventionLevel.objects.first() or LevelFactory())
    AssessmentDecisionFactory(assessment__initiative=initiative)
    return {
        "id": "",
        "source": source.slug,
        "year": "2031-32",
        "initiative": initiative.slug,
        "recipient": OrganisationFactory().slug,
        "kind": "grant",
        "amount": "100.00",
        "awarded_on": "2031-05-20",
        "decision": DecisionFactory(year=source.year).reference,
        "purpose": "Lanterns.",
        "conditions": "Lit every Friday.",
    } | values


def payment(on, **values):
    """Return a row of a file that pays £12 where everything is in order."""
    return {
        "reference": "FIN-1",
        "allocation": on.public_id,
        "paid_on": "2031-05-20",
        "net": "10.00",
        "irrecoverable_vat": "2.00",
        "payee": "",
        "purpose": "Oil.",
    } | values


def run(resource, content, by, dry_run=False, form=CSV):
    return resource(by=by).run(form().create_dataset(content), dry_run=dry_run)
