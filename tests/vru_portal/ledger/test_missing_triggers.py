"""What happens where the database could not refuse: its triggers are missing, changed or do not see."""

import hashlib
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.support.factories import AllocationFactory, FundingSourceFactory
from tests.support.refusals import execute, insert, rolled_back, without_triggers
from tests.vru_portal.ledger.rows import postgresql
from vru_portal.ledger.append_only.database import (
    POSTGRESQL_INSTALLED,
    DatabaseTriggers,
    postgresql_sql,
    require_triggers,
)
from vru_portal.ledger.append_only.declared import declared_triggers

pytestmark = pytest.mark.django_db

DECLARED = list(declared_triggers())


def test_each_trigger_has_a_name_of_its_own_that_postgresql_does_not_cut():
    names = [trigger.name for trigger in declared_triggers()]
    assert len(names) == len(set(names))
    assert [name for name in names if len(name) > 63] == []


def test_the_database_holds_every_trigger_as_it_is_declared():
    triggers = DatabaseTriggers(connection)
    assert set(triggers.expected) == {
        trigger.name for trigger in DECLARED if connection.vendor != "sqlite" or trigger.statement != "TRUNCATE"
    }
    assert triggers.missing() == []
    require_triggers()


# A portal whose triggers differ from those that are declared does not start, and only a migration puts them in place.
# If you have changed a trigger, or how they are created or looked for: add an empty migration, name it here, and
# replace the digest.
MIGRATION = ("vru_portal", "0002_triggers_use_indexes")
DIGEST = "c1c8ba9ff63d49ca"


def test_a_change_of_triggers_comes_with_a_migration():
    statements = [s for trigger in DECLARED for s in (trigger.sql("sqlite"), *postgresql_sql(trigger, "public"))]
    texts = sorted([*statements, *MIGRATION, POSTGRESQL_INSTALLED])
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] == DIGEST
    assert MigrationLoader(None).disk_migrations[MIGRATION].operations == []


@pytest.mark.parametrize("trigger", DECLARED, ids=lambda trigger: trigger.name)
def test_each_trigger_says_in_a_sentence_what_could_happen_without_it(trigger):
    assert re.fullmatch(r"[A-Z].{20,}[^.]\.", trigger.prevents)


@pytest.mark.parametrize("trigger", DECLARED, ids=lambda trigger: trigger.name)
def test_a_missing_trigger_is_found(trigger):
    if connection.vendor == "sqlite" and trigger.statement == "TRUNCATE":
        assert trigger.name not in DatabaseTriggers(connection).expected
        return
    with without_triggers(trigger.name):
        with pytest.raises(ImproperlyConfigured) as caught:
            require_triggers()
        said = str(caught.value)
        assert said.startswith(f"1 of the database's triggers is missing or changed: {trigger.name}. Rows that must")
        assert "manage.py reconcile" in said
        assert "manage.py migrate" in said
        DatabaseTriggers(connection).install()
        require_triggers()


def test_many_missing_triggers_are_one_sentence():
    with rolled_back():
        DatabaseTriggers(connection).remove()
        with pytest.raises(
            ImproperlyConfigured, match=rf"^{len(DatabaseTriggers(connection).expected)} of .* …\. Rows that must"
        ):
            require_triggers()


ALTERED = {
    "sqlite": {
        "never": [
            'DROP TRIGGER "funding_payment_no_update"',
            'CREATE TRIGGER "funding_payment_no_update" BEFORE UPDATE ON "funding_payment" WHEN 0 '
            "BEGIN SELECT RAISE(ABORT, 'No.'); END",
        ],
        "elsewhere": [
            'DROP TRIGGER "funding_payment_no_update"',
            'CREATE TRIGGER "funding_payment_no_update" BEFORE UPDATE ON "funding_allocation" '
            "BEGIN SELECT RAISE(ABORT, 'No.'); END",
        ],
    },
    "postgresql": {
        "disabled": ['ALTER TABLE funding_payment DISABLE TRIGGER "funding_payment_no_update"'],
        "all disabled": ["ALTER TABLE funding_payment DISABLE TRIGGER USER"],
        "for replicas only": ['ALTER TABLE funding_payment ENABLE REPLICA TRIGGER "funding_payment_no_update"'],
        "another function": [
            "CREATE OR REPLACE FUNCTION funding_payment_no_update() RETURNS trigger LANGUAGE plpgsql "
            "AS 'BEGIN RETURN NEW; END'"
        ],
        "looks anywhere": ["ALTER FUNCTION funding_payment_no_update() RESET search_path"],
        "looks elsewhere first": [
            "ALTER FUNCTION funding_payment_no_update() SET search_path = pg_temp, public, pg_temp"
        ],
        "another setting": ["ALTER FUNCTION funding_payment_no_update() SET enable_indexscan = off"],
        "reads whole tables": ["ALTER FUNCTION funding_payment_no_update() RESET enable_seqscan"],
        **{
            name: [
                "DROP TRIGGER funding_payment_no_update ON funding_payment",
                f"CREATE TRIGGER funding_payment_no_update {what} EXECUTE FUNCTION funding_payment_no_update()",
            ]
            for name, what in {
                "never": "BEFORE UPDATE ON funding_payment FOR EACH ROW WHEN (false)",
                "one column": "BEFORE UPDATE OF reference ON funding_payment FOR EACH ROW",
                "another statement": "BEFORE DELETE ON funding_payment FOR EACH ROW",
                "too late": "AFTER UPDATE ON funding_payment FOR EACH ROW",
                "elsewhere": "BEFORE UPDATE ON funding_allocation FOR EACH ROW",
            }.items()
        },
    },
}


@pytest.mark.parametrize("statements", ALTERED[connection.vendor].values(), ids=ALTERED[connection.vendor])
def test_an_altered_trigger_is_found(statements):
    with rolled_back():
        for statement in statements:
            execute(statement)
        with pytest.raises(ImproperlyConfigured, match="funding_payment_no_update"):
            require_triggers()
        if "REPLICA" not in statements[0]:
            DatabaseTriggers(connection).install()
            require_triggers()


@postgresql
def test_money_is_not_recorded_in_a_transaction_that_does_not_see_what_others_commit():
    """It would wait for the others' lock, and then look at the sums as they were before."""
    source = FundingSourceFactory()
    allocation = AllocationFactory.unsaved(funding_source=source)
    bodies = {trigger.name: trigger.sql("postgresql") for trigger in declared_triggers() if trigger.lock}
    assert "funding_allocation_within_source" in bodies
    assert all("current_setting('transaction_isolation') <> 'read committed'" in sql for sql in bodies.values())
    insert(allocation)
