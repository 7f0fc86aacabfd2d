import pytest
from django.db import connection

from events.declarations.register import audit
from tests.tampering import COLUMNS, Tampering, build_register, unguarded

pytestmark = pytest.mark.django_db
CHANGES = 1000


def test_a_thousand_changes_of_rows_are_all_found(record_property):
    build_register()
    tampering = Tampering(seed=1000)
    with unguarded():
        missed = tampering.undetected(CHANGES)
    by_table = {
        model.__name__: sum(count for name, count in tampering.counts.items() if name.split(".")[0] == model.__name__)
        for model in COLUMNS
    }
    said = f"register on {connection.vendor}: {CHANGES} changes, {CHANGES - len(missed)} found, {by_table}, "
    record_property("measured", f"{said}{tampering.redrawn} redrawn that were none")
    assert missed == []
    assert list(audit.faults()) == []


def test_the_control_without_the_audit_of_a_column_misses_its_changes(monkeypatch):
    """The control: an audit that does not look at checkpoints finds no change of them."""
    build_register()
    monkeypatch.setattr(audit.Audit, "is_signed", lambda *_: True)
    with unguarded():
        missed = Tampering(seed=5).undetected(60)
    assert missed
    assert all(": checkpoint " in change or change.startswith("RegisterKey") for change in missed)
