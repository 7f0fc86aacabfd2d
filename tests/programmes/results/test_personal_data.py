"""Who was asked for figures is disclosed to them, erased in time, and never public; every field says which."""

from datetime import UTC, datetime, time, timedelta

import pytest

from events.declarations.documents.subject_access import records_about
from partners.models import LegalNotice
from programmes.results import schedule
from programmes.results.documents.disclosure import PERSONAL_FIELDS
from programmes.results.models import ApprovedFigure, Mail, Reporter, ReturnDraft, Token
from programmes.results.rules.answers import total_name
from programmes.results.rules.recording import record_answers
from tests.programmes.results.returns import QUARTER, ask, count_people, publish
from tests.support.factories import InitiativeFactory, OrganisationFactory, ReporterFactory, UserFactory
from vru_portal.ledger.content_version import PRIVATE_MODELS, public_tables
from vru_portal.links.personal import personal_fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOT_PERSONAL = {
    "returndraft": {"id", "return_of_figures", "state", "reminders", "sent_at", "erased_at", "recorded_by"},
    "mail": {"id", "draft", "kind", "delivery", "attempts", "due_at", "created_at", "sent_at"},
    "token": {"id", "draft", "purpose", "expires_at", "burnt_at"},
    "reporter": {"id", "initiative", "organisation", "first_quarter", "last_quarter"},
}


def test_every_field_is_known_to_be_personal_or_not():
    for model in (ReturnDraft, Mail, Token, Reporter):
        name = str(model._meta.model_name)
        personal = {key.partition(".")[2] for key in PERSONAL_FIELDS if key.startswith(f"{name}.")}
        personal |= {*personal_fields(ReturnDraft).get(model._meta.label_lower, ())}
        assert personal | NOT_PERSONAL[name] == {field.name for field in model._meta.concrete_fields}
        assert not personal & NOT_PERSONAL[name]
        assert name in PRIVATE_MODELS
        assert model._meta.db_table not in public_tables()


@pytest.mark.parametrize("whose", ["robin@reporter.example", "ROBIN@reporter.example", "Robin Reporter"])
def test_a_person_gets_everything_that_is_held_about_them(whose):
    asked = ask(*count_people())
    publish(asked, 20, went_well="Many came.")
    ReporterFactory(email="robin@reporter.example")
    found = records_about(whose)
    assert {record.title for record in found} == {
        "Return of figures", "Email about a return", "Link to a return", "Who reports every quarter",
    }  # fmt: skip
    (draft,) = [record for record in found if record.title == "Return of figures"]
    assert draft.fields["email"] == "robin@reporter.example"
    assert draft.fields["answers"]["went_well"] == "Many came."
    assert records_about("somebody@else.example") == []
    assert records_about("") == []


def test_who_was_asked_is_erased_when_the_legal_notice_says_and_the_figures_stay(clock):
    asked = ask(*count_people())
    publish(asked, 20)
    days = LegalNotice.current().retention_days
    assert days
    last = datetime(2031, 9, 28, 12, tzinfo=UTC) + timedelta(days=days)
    clock.move_to(last, tick=False)
    assert schedule.erase_expired_personal_data() == 0
    clock.move_to(last + timedelta(days=1), tick=False)
    assert schedule.erase_expired_personal_data() == 1
    assert schedule.erase_expired_personal_data() == 0
    draft = asked.draft
    assert (draft.email, draft.contact_name, draft.prepared_by, draft.answers) == ("", "", "", {})
    assert not Mail.objects.exists()
    assert not Token.objects.exists()
    assert ApprovedFigure.objects.get().count == 20


def test_answers_from_a_file_are_erased_too_although_nobody_was_emailed_about_them(clock):
    measure, _ = count_people()
    row = record_answers(
        by=UserFactory(),
        initiative=InitiativeFactory(),
        organisation=OrganisationFactory(),
        quarter=QUARTER,
        typed={total_name(measure): "20", "went_well": "Ask Robin Vale."},
        measures=[measure],
    )
    assert row
    assert (row.draft.email, row.draft.answers["went_well"]) == ("", "Ask Robin Vale.")
    days = LegalNotice.current().retention_days
    assert days
    clock.move_to(datetime.combine(row.closes_on, time(12), UTC) + timedelta(days=days + 1), tick=False)
    assert schedule.erase_expired_personal_data() == 1
    assert schedule.erase_expired_personal_data() == 0
    assert ReturnDraft.objects.get().answers == {}
