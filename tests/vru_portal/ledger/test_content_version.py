"""Whatever changes what the public can read changes its version, by whichever door; what only staff see does not."""

import re

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.factories import UserFactory, make_everything
from tests.vru_portal.test_queries import PAGES, slugs
from vru_portal.ledger.content_version import (
    APPS,
    PRIVATE_MODELS,
    content_version,
    install,
    install_sql,
    public_tables,
    trigger_names,
)
from vru_portal.models import DailyEmail, Heartbeat

pytestmark = pytest.mark.django_db
AREA = "INSERT INTO programmes_area (name, slug, gss_code) VALUES ('Moor', 'moor', '')"
TABLES = sorted(public_tables())
# Of libraries, or written at each request: sessions, limits, who is signed in; signs of life, which /readyz reads.
NOT_CONTENT = re.compile(r"^(django_|auth_|account_|ratelimit_|vru_portal_(cache|contentversion|heartbeat)$)")


def new_transaction():
    """On PostgreSQL, forget that this transaction has changed the version: a test is one long transaction."""
    if connection.vendor == "postgresql":
        execute("SELECT set_config('vru_portal.content_changes', '', true)")


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def changes(sql):
    """Whether a statement changes the version."""
    new_transaction()
    before = content_version()
    execute(sql)
    return content_version() != before


@pytest.mark.parametrize("table", TABLES)
def test_sql_that_writes_to_a_public_table_changes_the_version(table):
    if connection.vendor == "postgresql":  # whose triggers are asked once for each statement, though it finds no row
        with connection.cursor() as cursor:
            key = connection.introspection.get_primary_key_column(cursor, table)
        harmless = [
            f'INSERT INTO "{table}" SELECT * FROM "{table}" WHERE FALSE',  # noqa: S608
            f'UPDATE "{table}" SET "{key}" = "{key}" WHERE FALSE',  # noqa: S608
            f'DELETE FROM "{table}" WHERE FALSE',  # noqa: S608
        ]
        assert all(changes(sql) for sql in harmless)
        execute(f'DROP TRIGGER "{table}_content" ON "{table}"')
        assert not any(changes(sql) for sql in harmless)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        held = dict(cursor.fetchall())
    assert [held.get(name) for name in trigger_names(table)] == [
        sql.replace(" IF NOT EXISTS", "") for sql in install_sql(connection, table)
    ]


def test_each_way_of_writing_counts_and_without_the_trigger_none():
    for sql in (
        AREA,
        "UPDATE programmes_area SET name = 'Moors' WHERE slug = 'moor'",
        "DELETE FROM programmes_area WHERE slug = 'moor'",
        f"{AREA} ON CONFLICT DO NOTHING",
    ):
        assert changes(sql), sql
    names = trigger_names("programmes_area") if connection.vendor == "sqlite" else ["programmes_area_content"]
    for name in names:
        execute(f'DROP TRIGGER "{name}"' + ("" if connection.vendor == "sqlite" else " ON programmes_area"))
    assert not changes("DELETE FROM programmes_area WHERE slug = 'moor'")


def test_a_version_that_is_rolled_back_was_never_there():
    new_transaction()
    before = content_version()
    with transaction.atomic():
        execute(AREA)
        assert content_version() != before
        transaction.set_rollback(True)
    assert content_version() == before
    assert changes(AREA)


def test_sqlite_changes_it_also_where_a_conflict_is_ignored():
    if connection.vendor == "sqlite":  # whose triggers take over how their statement treats a conflict
        assert changes(AREA.replace("INSERT", "INSERT OR IGNORE"))


def test_pages_for_everybody_read_no_table_without_a_version(client):
    make_everything(2)
    named = slugs()
    with CaptureQueriesContext(connection) as asked:
        for path in PAGES:
            client.get(path.format(**named)).getvalue()  # files too are read, and so closed
    read = {table for query in asked for table in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])}
    assert len(read) > 20
    assert {table for table in read if not NOT_CONTENT.match(table)} <= set(TABLES)


# The models that public pages read. A new model goes here or, if no public page reads it, in `PRIVATE_MODELS`.
READ_BY_PAGES = {
    "vru_portal": {"oldaddress"},
    "partners": {
        *("contactpoint", "legalnotice", "organisation", "person", "post", "publication", "sector", "statement"),
        "unit",
    },
    "programmes": {
        *("area", "assessmentdecision", "audience", "document", "documenttext", "evidenceassessment", "initiative"),
        *("passage", "picture", "predecessor", "preventionlevel", "setting", "story", "successcondition", "synonym"),
        *("term", "toolkitapproach"),
    },
    "results": {
        *("approvedfigure", "approvedpart", "approvedreturn", "breakdown", "breakdowngroup"),
        *("measure", "reportingrules", "return", "target", "workbookcolumn"),
    },
    "funding": {
        *("allocation", "budgetheading", "contractcopy", "contributor", "decision", "dutycolumn", "explanation"),
        *("financialyear", "fulfilment", "fundingsource", "onwardgrant", "overcommitment", "payment"),
        *("publicationduty", "regranting", "sourcecondition", "variation"),
    },
    "events": {"agendaitem", "appearance", "event"},
    "declarations": {
        *("declaration", "declarationversion", "entry", "invitation", "livesignature", "personalrecord"),
        *("registerkey", "signatorybody", "treenode"),
    },
}


def test_each_model_is_declared_to_be_read_by_public_pages_or_private():
    for label in APPS:
        names = {str(model._meta.model_name) for model in apps.get_app_config(label).get_models()}
        names = {name for name in names if not name.startswith("historical")}
        assert names - PRIVATE_MODELS == READ_BY_PAGES[label], label
        assert not PRIVATE_MODELS & READ_BY_PAGES[label], label


def test_each_private_model_exists():
    assert {model._meta.model_name for model in apps.get_models()} >= PRIVATE_MODELS


def test_the_daily_email_drops_no_page():
    user = UserFactory()
    new_transaction()
    before = content_version()
    DailyEmail.objects.create(user=user)
    DailyEmail.objects.update(sent_at=timezone.now())
    assert content_version() == before


def test_signs_of_life_change_nothing_even_where_their_table_was_public_once():
    table = Heartbeat._meta.db_table
    for statement in install_sql(connection, table):
        execute(statement)
    new_transaction()
    before = content_version()
    Heartbeat.objects.beat(Heartbeat.Part.TIMER)
    assert content_version() != before
    install("default")
    new_transaction()
    before = content_version()
    Heartbeat.objects.beat(Heartbeat.Part.TIMER)
    assert content_version() == before
