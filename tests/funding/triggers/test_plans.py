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


def payments_read_as_a_whole_table() -> int:
    """Return how often this transaction has read all payments to find some."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'funding_payment'")
        return int(cursor.fetchone()[0])


def record_payments() -> int:
    """Return how often the triggers have read all payments meanwhile."""
    allocation = AllocationFactory()
    payments = [PaymentFactory.unsaved(allocation=allocation) for _ in range(PAYMENTS)]
    before = payments_read_as_a_whole_table()
    for payment in payments:
        insert(payment)
    return payments_read_as_a_whole_table() - before


def test_triggers_find_rows_by_index_even_in_tables_that_were_small():
    assert record_payments() == 0


def test_without_their_setting_they_would_read_the_whole_table():
    for name in DatabaseTriggers(connection).expected:
        execute(f'ALTER FUNCTION "{name}"() RESET enable_seqscan')
    assert record_payments() >= PAYMENTS
