"""Files of records, and what becomes of them."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from vru_portal.tabular.readers import CSV, JSON, XLSX
from vru_portal.tabular.records.columns import columns_of
from vru_portal.tabular.records.lookup import rows_for_columns
from vru_portal.tabular.records.resources import RESOURCES
from vru_portal.tabular.writers import Column, Table, csv_parts, json_parts, xlsx_file

FORMATS: dict[str, Any] = {"csv": CSV, "xlsx": XLSX, "json": JSON}


def staff(*permissions):
    """A member of staff with these permissions, such as "partners.add_post"."""
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    for permission in permissions:
        label, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return get_user_model().objects.get(pk=user.pk)


def export_records(model, form, rows=None):
    table = Table({}, [Column(c.name, c.about, c.show) for c in columns_of(model)], rows or rows_for_columns(model))
    if form == "xlsx":
        with xlsx_file(table) as file:
            return file.read()
    return "".join(csv_parts(table) if form == "csv" else json_parts(table)).encode()


def import_content(model, content, by, form="json", dry_run=False):
    return RESOURCES[model](by=by).run(FORMATS[form]().create_dataset(content), dry_run=dry_run)


def json_file(*rows):
    return json.dumps(list(rows)).encode()


def changed_excerpts(result):
    """The changed fields of each changed row, with the changed words before and after."""
    return [
        (row.number, name, old.changed, new.changed) for row in result.changed for name, old, new in row.differences
    ]


def upload(client, address, content, form=2, name="file.json"):
    file = SimpleUploadedFile(name, content)
    return client.post(f"{address}import/", {"import_file": file, "format": form, "resource": "0"})
