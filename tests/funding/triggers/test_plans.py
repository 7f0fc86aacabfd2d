"""How PostgreSQL finds the rows that a trigger looks at. A session keeps the plans that it makes for the first rows."""

import pytest
from django.db import connection

from tests.support.factories import AllocationFactory, PaymentFactory
from tests.support.refusals import execute, insert
from tests.vru_portal.ledger.rows import postgresql
from vru_portal.ledger.append_only.database import DatabaseTriggers

pytestmark = [pytest.mark.django_db, postgresql]

# More than the five for which PostgreSQL makes a plan each time, so that the plan that it keeps is among them.
PAYMENTS = 20


def whole_tables_read() -> int:
    """Return how often this transaction has read a whole table of the ledger to find some rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(seq_scan) FROM pg_stat_xact_user_tables WHERE relname LIKE 'funding_%'")
        return int(cursor.fetchone()[0])


def record_payments() -> int:
    """Return how often the triggers have read a whole table meanwhile."""
    allocation = AllocationFactory()
    payments = [PaymentFactory.unsaved(allocation=allocation) for _ in range(PAYMENTS)]
    before = whole_tables_read()
    for payment in payments:
        insert(payment)
    return whole_tables_read() - before


def test_triggers_find_rows_by_index_even_in_tables_that_were_small():
    assert record_payments() == 0


def test_without_their_setting_they_would_read_the_whole_table():
    for name in DatabaseTriggers(connection).expected:
        execute(f'ALTER FUNCTION "{name}"() RESET enable_seqscan')
    assert record_payments() >= PAYMENTS
