"""Rows that never change. Triggers in the database refuse it, so raw SQL is refused as well as every form and script.

A model that inherits `AppendOnly` gets triggers against UPDATE, DELETE, TRUNCATE (PostgreSQL) and a replacing INSERT
(SQLite's `INSERT OR REPLACE` deletes the old row without firing its DELETE trigger, unless the connection asks for it).
To correct a mistake, record a new row that names the one it reverses. A model may declare more triggers, each with the
sentence that people read when it refuses. Triggers are installed after every migration, because Django rebuilds tables
on SQLite and drops their triggers with them. `require_triggers` stops the portal from starting without them.
"""
