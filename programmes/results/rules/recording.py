"""Figures that an organisation sent in a file instead of through its link. They are approved like any others."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results.choices import DraftState, MailKind
from programmes.results.models import ApprovedReturn, Measure, ReportingRules, Return, ReturnDraft
from programmes.results.rules.answers import SPEND, group_name, read_answers, total_name
from programmes.results.rules.asking import check_return, locked_draft, queue_mail, require_open
from programmes.results.rules.reporting import measures_of, most_people

SUPPRESSED = "suppressed"
ALREADY_SENT = (
    "Other answers of this return are waiting to be checked. Approve them or send them back first, on the page of the "
    "return."
)
ALREADY_STARTED = (
    "Somebody has begun to fill in this return, with other answers. Ask them to send it, or cancel the return first."
)
ALREADY_PUBLISHED = "Other figures of this quarter are published. Ask for a correction on the page of the return."
NOT_AT_WORK = "This return is cancelled, so nothing can be recorded for it."


@transaction.atomic
def record_answers(
    *, by: Any, initiative: Initiative, organisation: Organisation, quarter: date, typed: Mapping[str, str]
) -> Return | None:
    """Record what an organisation reports, as if it had sent it; returns None if that is recorded already.

    ``typed`` has the texts by the names of the forms' fields. What was not asked for yet is recorded as a return that
    nobody was emailed about. Raises ValidationError by field name, or for what somebody else has entered meanwhile.
    """
    filled = {name: text.strip() for name, text in typed.items() if text.strip()}
    same = {"initiative": initiative, "organisation": organisation, "quarter": quarter}
    row = Return.objects.select_for_update().filter(**same).first()
    published = ApprovedReturn.objects.current().filter(**same).first()
    if published and agrees_with(published, filled, measures_of(initiative)):
        return None
    read_answers(measures_of(initiative), filled, most_people(initiative))
    if published and (row is None or not is_open_for_correction(row)):
        raise ValidationError(ALREADY_PUBLISHED)
    draft = new_draft(by, Return(**same)) if row is None else locked_draft(row)
    if draft.state == DraftState.SUBMITTED:
        if same_answers(draft.answers, filled):
            return None
        raise ValidationError(ALREADY_SENT)
    if draft.state == DraftState.CANCELLED:
        raise ValidationError(NOT_AT_WORK)
    require_open(draft.asked, draft)
    others = draft.answers and not same_answers(draft.answers, filled) and draft.state != DraftState.QUERIED
    if others or draft.state == DraftState.PASSED_ON:
        raise ValidationError(ALREADY_STARTED)
    draft.answers, draft.state, draft.question = filled, DraftState.SUBMITTED, ""
    draft.full_clean()
    draft.save()
    Return.objects.filter(pk=draft.asked_id, reported_at=None).update(reported_at=timezone.now())
    if draft.email:
        queue_mail(MailKind.RECEIVED, draft)
    return draft.asked


def is_open_for_correction(row: Return) -> bool:
    draft = ReturnDraft.objects.filter(asked=row).first()
    return draft is not None and draft.state in (DraftState.QUERIED, DraftState.SUBMITTED)


def new_draft(by: Any, row: Return) -> ReturnDraft:
    """A return that nobody was asked for, open for as long as one that is asked for today."""
    check_return(by=by, row=row)
    row.closes_on = max(row.closes_on, timezone.localdate() + timedelta(days=ReportingRules.current().days_open))
    row.save(force_insert=True)
    draft = ReturnDraft(asked=row, state=DraftState.STARTED)
    draft.save(force_insert=True)
    return draft


def agrees_with(published: ApprovedReturn, filled: Mapping[str, str], measures: list[Measure]) -> bool:
    """Whether all that is entered is published already; “suppressed” stands for any number that is."""
    known: dict[str, str] = {"went_well": published.went_well, "went_badly": published.went_badly}
    known[SPEND] = "" if published.spend is None else str(published.spend)
    by_measure = {figure.measure_id: figure for figure in published.figures.prefetch_related("parts__group")}
    suppressed = set()
    for measure in measures:
        if figure := by_measure.get(measure.pk):
            cells: dict[str, Any] = {total_name(measure): figure}
            cells |= {group_name(measure, part.group): part for part in figure.parts.all()}
            known |= {name: str(cell.count) for name, cell in cells.items()}
            suppressed |= {name for name, cell in cells.items() if cell.is_suppressed}
    return all(
        plain(text) == plain(known.get(name, "")) or (text.casefold() == SUPPRESSED and name in suppressed)
        for name, text in filled.items()
    )


def same_answers(saved: Mapping[str, str], filled: Mapping[str, str]) -> bool:
    """Whether two people, or a spreadsheet, have written the same: empty answers do not count."""
    before = {name: plain(text) for name, text in saved.items() if text.strip()}
    return before == {name: plain(text) for name, text in filled.items()}


def plain(text: str) -> str:
    """A number without what may stand in it, so that “£1,250.00” is 1250; other texts without differences of spaces."""
    number = text.replace(",", "").removeprefix("£")
    return f"{Decimal(number).normalize():f}" if number.replace(".", "", 1).isdecimal() else " ".join(text.split())
