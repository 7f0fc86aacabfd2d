"""Rows that never change: refused by triggers in the database, so by every door, raw SQL included.

A model that inherits `AppendOnly` gets guards against UPDATE, DELETE, TRUNCATE (PostgreSQL) and a replacing INSERT
(SQLite's `INSERT OR REPLACE`, which deletes without asking the DELETE trigger unless its connection wants it asked). A
mistake is corrected by a new row that names the one it reverses. A model may declare more guards, one sentence each,
and that sentence is what a person reads. Guards are put in place after every migration (Django rebuilds tables on
SQLite, and their triggers go with them); `require_guards` refuses to start without them.
"""

from vru_portal.append_only.guard import DELETE, INSERT, TRUNCATE, UPDATE, Guard
from vru_portal.append_only.guards import Guards, guards_of, make_way, put_back, require_guards
from vru_portal.append_only.recording import record, redact, refusal, reverse
from vru_portal.append_only.rows import REDACTED, STAYS_PUBLISHED, AppendOnly, Reversible, stays_published

__all__ = [
    "DELETE",
    "INSERT",
    "REDACTED",
    "STAYS_PUBLISHED",
    "TRUNCATE",
    "UPDATE",
    "AppendOnly",
    "Guard",
    "Guards",
    "Reversible",
    "guards_of",
    "make_way",
    "put_back",
    "record",
    "redact",
    "refusal",
    "require_guards",
    "reverse",
    "stays_published",
]
