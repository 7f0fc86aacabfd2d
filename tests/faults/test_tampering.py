import pytest

from events.declarations.register import audit
from tests.support.faults.reporting import rounds
from tests.support.races.tampering import COLUMNS, Tampering, build_register, without_any_trigger

pytestmark = pytest.mark.django_db
CHANGES = rounds(1000)
FAULT = "Rows of the register changed"


def test_a_thousand_changes_of_rows_are_all_found(report):
    build_register()
    tampering = Tampering(seed=1000)
    with without_any_trigger():
        missed = tampering.undetected(CHANGES)
    by_table = {
        model.__name__: sum(count for name, count in tampering.counts.items() if name.split(".")[0] == model.__name__)
        for model in COLUMNS
    }
    changed = ", ".join(f"{number} of {name}" for name, number in by_table.items())
    report(
        FAULT,
        done=f"{CHANGES} changes past the triggers: {changed}",
        lost=len(missed),
        whole=f"register verify finds {CHANGES - len(missed)}; {tampering.redrawn} others would have changed nothing",
    )
    assert missed == []
    assert list(audit.find_faults()) == []


def test_the_control_without_the_audit_of_a_column_misses_its_changes(monkeypatch, report):
    """The control: an audit that does not look at checkpoints finds no change of them."""
    build_register()
    monkeypatch.setattr(audit.Audit, "is_signed", lambda *_: True)
    with without_any_trigger():
        missed = Tampering(seed=5).undetected(60)
    assert missed
    assert all(": checkpoint " in change or change.startswith("RegisterKey") for change in missed)
    report(FAULT, control=f"an audit that takes every checkpoint as signed misses {len(missed)} of 60")
