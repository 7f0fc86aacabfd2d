"""The register as files: every leaf for who checks it, and a list for who counts. Both are written row by row."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone

from events.declarations.models import Entry
from events.declarations.querysets import EntryQuerySet
from events.declarations.register import log
from vru_portal.tables import Column, Table, batches

AT_ONCE = 500


def register_parts(checkpoint: str, size: int) -> Iterator[str]:
    """Yield the register of this size as JSON, as `verify.py` reads it: checkpoint, keys, then every entry."""
    head = {"checkpoint": checkpoint, "keys": log.vkeys()}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "entries": ['
    rows = Entry.objects.filter(seq__lte=size).with_status().select_related("personal")
    yield from batches(
        ("" if number == 0 else ",") + "\n" + json.dumps({"leaf": entry.leaf} | disclosed(entry), ensure_ascii=False)
        for number, entry in enumerate(rows.order_by("seq").iterator(AT_ONCE))
    )
    yield "\n]}\n"


def disclosed(entry: Entry) -> dict[str, Any]:
    """Return the names that the public may see of an entry, each with its salt, so that they can be checked."""
    shown = entry.shown
    return {"disclosed": {name: entry.personal.opened[name] for name in shown}} if shown else {}


def register_table(entries: EntryQuerySet) -> Table[Entry]:
    """Return entries as a list of what is public of them."""
    columns: list[Column[Entry]] = [
        Column("entry", "Its number in the register", lambda e: str(e.seq)),
        Column("organisation", "The body that signed", lambda e: e.body.name),
        Column("sector", "Its sector", lambda e: str(e.body.sector or "")),
        Column("date", "The day of the entry", lambda e: timezone.localdate(e.recorded_at)),
        Column(
            "signed_on", "The day of a signature on paper, which was recorded later", lambda e: e.said.get("signed_on")
        ),
        Column("version", "The version of the text", lambda e: str(e.version.number)),
        Column("status", "How the signature stands, or what the entry did", lambda e: e.status),
        Column("follows", "The entry that it changes", lambda e: str(e.of_id or "")),
        Column("name", "Who signed, where they agreed to be named", lambda e: e.shown.get("name")),
        Column("role", "Their role, likewise", lambda e: e.shown.get("role")),
        Column("url", "Its page", lambda e: settings.PORTAL_URL + e.get_absolute_url()),
    ]
    return Table({}, columns, entries.with_status().with_names().iterator(AT_ONCE))
