"""The register as files, written row by row: all leaves as JSON, for checking it, and a table, for counting."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from events.declarations.models import Entry
from events.declarations.querysets import EntryQuerySet
from events.declarations.register import log
from vru_portal.tabular.batches import fetch_in_batches
from vru_portal.tabular.writers import Column, Table, join_in_batches
from vru_portal.web.addresses import full_url


def register_json(checkpoint: str, size: int) -> Iterator[str]:
    """The register of this size as `verify.py` reads it: checkpoint, keys, then every entry.

    Assembled by hand, since the JSON module would need all entries in memory at once.
    """
    head = {"checkpoint": checkpoint, "keys": log.public_keys()}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "entries": ['
    rows = Entry.objects.filter(seq__lte=size).with_status().select_related("personal")
    yield from join_in_batches(
        ("" if number == 0 else ",")
        + "\n"
        + json.dumps({"leaf": entry.leaf} | disclosed_values(entry), ensure_ascii=False)
        for number, entry in enumerate(fetch_in_batches(rows.order_by("seq")))
    )
    yield "\n]}\n"


def disclosed_values(entry: Entry) -> dict[str, Any]:
    """The signatory's name and role, if public, each with the salt that anybody needs to check its commitment."""
    public = entry.public_signatory
    return {"disclosed": {name: entry.personal.salted_values[name] for name in public}} if public else {}


def register_table(entries: EntryQuerySet) -> Table[Entry]:
    columns: list[Column[Entry]] = [
        Column("entry", "The number of the entry in the register", lambda e: str(e.seq)),
        Column("organisation", "The organisation that signed", lambda e: e.body.name),
        Column("sector", "The organisation's sector", lambda e: str(e.body.sector or "")),
        Column("date", "The date of the entry", lambda e: timezone.localdate(e.recorded_at)),
        Column(
            "signed_on",
            "The date of a signature on paper, which was recorded later",
            lambda e: e.leaf_values.get("signed_on"),
        ),
        Column("version", "The version of the text", lambda e: str(e.version.number)),
        Column("status", "The status of the signature, or what the entry changed", lambda e: e.status),
        Column("follows", "The entry that it changes", lambda e: str(e.of_id or "")),
        Column("name", "Who signed, if they agreed to be named", lambda e: e.public_signatory.get("name")),
        Column(
            "role",
            "The role of the person who signed, if they agreed to be named",
            lambda e: e.public_signatory.get("role"),
        ),
        Column("url", "The address of the entry's page", lambda e: full_url(e.get_absolute_url())),
    ]
    return Table({}, columns, fetch_in_batches(entries.with_status().with_names()))
