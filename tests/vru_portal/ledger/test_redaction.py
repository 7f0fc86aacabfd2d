"""A text is taken out of a row that never changes, with a reason, and nothing else is."""

import pytest
from django.core.exceptions import ValidationError

from programmes.models import EvidenceAssessment
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    UserFactory,
    reverse,
)
from tests.support.refusals import execute, refused_with
from tests.vru_portal.ledger.rows import APPEND_ONLY, frozen, label, recorded
from vru_portal.ledger.append_only.models import REDACTED
from vru_portal.ledger.append_only.recording import redact

pytestmark = pytest.mark.django_db

REDACTABLE = [(model, name) for model in APPEND_ONLY for name in model.redactable]


@pytest.mark.parametrize(("model", "name"), REDACTABLE, ids=lambda value: label(value) or value)
def test_a_text_can_be_taken_out_with_a_reason_and_nothing_else_can_be_done_to_it(model, name):
    row = recorded(model)
    if name == "reason":  # only a reversal has one
        row = reverse(row)
    execute_ = f'UPDATE "{model._meta.db_table}" SET "{name}" = %s, redaction = %s WHERE id = %s'  # noqa: S608
    before = getattr(row, name)
    for text, note in (("Something else", "why"), (REDACTED, ""), (before, "why")):
        with refused_with(frozen(model)):
            execute(execute_, text, note, row.pk)
    with refused_with(frozen(model)):  # nor something else under cover of it
        execute(
            f'UPDATE "{model._meta.db_table}" SET "{name}" = %s, redaction = %s, recorded_at = %s WHERE id = %s',  # noqa: S608
            REDACTED, "why", "2001-02-03 04:05:00+00", row.pk,
        )  # fmt: skip
    redact(row, fields=[name], by=UserFactory(username="kit"), reason="A name. " + "x" * 400)
    row = model._default_manager.get(pk=row.pk)
    assert getattr(row, name) == REDACTED
    assert f"{name} redacted by kit. A name. x" in row.redaction
    with refused_with(frozen(model)):
        execute(execute_, "Written anew", "why", row.pk)


@pytest.mark.usefixtures("history")
def test_what_is_taken_out_is_taken_out_of_the_history_too():
    assessment = AssessmentFactory(need="Of Robin Vale.")
    AssessmentFactory(need="Of somebody else.")
    AssessmentDecisionFactory(assessment=assessment)
    redact(assessment, fields=["need"], by=UserFactory(), reason="A name.")
    assert list(assessment.history.values_list("need", flat=True)) == [REDACTED]
    assert EvidenceAssessment.history.filter(need="Of somebody else.").count() == 1


def test_two_long_redactions_of_one_row_are_both_reported():
    row = AllocationFactory()
    for name in ("purpose", "reasons"):
        redact(row, fields=[name], by=UserFactory(), reason=f"{name}: " + "x" * 290)
    assert "purpose: xxx" in row.redaction
    assert "reasons: xxx" in row.redaction


@pytest.mark.parametrize(
    ("fields", "reason"), [(["purpose"], " "), ([], "Why"), (["amount"], "Why"), (["nope"], "Why")]
)
def test_a_redaction_names_its_fields_and_its_reason(fields, reason):
    row = AllocationFactory()
    with pytest.raises(ValidationError, match=r"Choose from purpose, .*, and say why"):
        redact(row, fields=fields, by=UserFactory(), reason=reason)
