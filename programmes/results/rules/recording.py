"""Figures that an organisation sent in a file instead of through its link. They are approved like any others."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results.choices import SUPPRESSED, ReturnMailKind
from programmes.results.models import ApprovedReturn, Measure, ReportingRules, Return, ReturnDraft
from programmes.results.rules.answers import (
    SPEND,
    fingerprint,
    group_name,
    plain,
    read_answers,
    same_answers,
    total_name,
)
from programmes.results.rules.asking import (
    check_return,
    locked_draft,
    require_public_initiative,
)
from programmes.results.rules.requests import RETURN_REQUESTS
from vru_portal.links.choices import DraftState

ALREADY_SENT = (
    "Other answers of this return are waiting to be checked. Approve them or send them back first, on the page of the "
    "return."
)
ALREADY_STARTED = (
    "Somebody has begun to fill in this return, with other answers. Ask them to send it, or cancel the return first."
)
ALREADY_PUBLISHED = "Other figures of this quarter are published. Ask for a correction on the page of the return."
PUBLISHED_WITHOUT_RETURN = (
    "Other figures of this quarter are published, and nobody was asked for them here. Ask the organisation for this "
    "quarter first, and then send the corrected figures."
)
NOT_AT_WORK = "This return is cancelled, so nothing can be recorded for it."


def lock_drafts(
    *, initiatives: Iterable[Initiative], organisations: Iterable[Organisation], quarters: Iterable[date]
) -> None:
    """Make others who change these returns wait until this transaction ends.

    Always in the order of primary keys, so that two files cannot deadlock.
    """
    rows = Return.objects.filter(
        initiative__in=[*initiatives], organisation__in=[*organisations], quarter__in=[*quarters]
    )
    drafts = ReturnDraft.objects.select_for_update().filter(return_of_figures__in=rows.order_by().values("pk"))
    list(drafts.order_by("pk").values_list("pk"))


@transaction.atomic
def record_answers(
    *,
    by: Any,
    initiative: Initiative,
    organisation: Organisation,
    quarter: date,
    typed: Mapping[str, str],
    measures: Sequence[Measure],
    most: int | None = None,
    rules: ReportingRules | None = None,
) -> Return | None:
    """Record what an organisation reports, as if it had sent it; returns None if that is already recorded.

    ``typed`` has the texts by the names of the forms' fields. What was not asked for yet is recorded as a return that
    nobody was emailed about. ``measures`` are those of the initiative, and ``most`` is how many people there can be: a
    file has them of many rows. Raises ValidationError by field name, or for what somebody else has entered meanwhile.
    """
    filled = {name: text.strip() for name, text in typed.items() if text.strip()}
    same = {"initiative": initiative, "organisation": organisation, "quarter": quarter}
    row = Return.objects.filter(**same).first()
    draft = None if row is None else locked_draft(row)
    published = ApprovedReturn.objects.current().filter(**same).first()
    is_final = published is not None and not (draft and (draft.is_open or draft.state == DraftState.SUBMITTED))
    if published and is_final and agrees_with(published, typed, measures):
        return None
    read_answers(measures, filled, most)
    if is_final:
        raise ValidationError(ALREADY_PUBLISHED if draft else PUBLISHED_WITHOUT_RETURN)
    draft = draft or new_draft(by, Return(**same), rules)
    if draft.state == DraftState.SUBMITTED:
        if same_answers(draft.answers, filled):
            return None
        raise ValidationError(ALREADY_SENT)
    if draft.state == DraftState.CANCELLED:
        raise ValidationError(NOT_AT_WORK)
    require_public_initiative(Return(**same))
    RETURN_REQUESTS.require_open(draft)
    if draft.state == DraftState.PASSED_ON or (was_typed(draft) and not same_answers(draft.answers, filled)):
        raise ValidationError(ALREADY_STARTED)
    draft.answers, draft.state = filled, DraftState.SUBMITTED
    draft.recorded_by, draft.prepared_by, draft.confirmed_by = by, "", ""
    draft.full_clean()
    draft.save()
    Return.objects.filter(pk=draft.return_of_figures_id, reported_at=None).update(reported_at=timezone.now())
    RETURN_REQUESTS.tell_reporters(ReturnMailKind.RECEIVED, draft)
    return draft.return_of_figures


def was_typed(draft: ReturnDraft) -> bool:
    """Whether somebody has typed answers that they have not sent, before a question or after it."""
    is_unchanged = draft.state == DraftState.QUERIED and fingerprint(draft.answers) == draft.questioned_answers
    return bool(draft.answers) and not is_unchanged


def new_draft(by: Any, row: Return, rules: ReportingRules | None = None) -> ReturnDraft:
    """A return that was not requested by email. It is open for as long as one that is requested today."""
    rules = rules or ReportingRules.current()
    check_return(by=by, row=row, rules=rules)
    row.closes_on = max(row.closes_on, timezone.localdate() + timedelta(days=rules.days_open))
    row.save(force_insert=True)
    draft = ReturnDraft(return_of_figures=row, state=DraftState.STARTED)
    draft.save(force_insert=True)
    return draft


def agrees_with(published: ApprovedReturn, typed: Mapping[str, str], measures: Iterable[Measure]) -> bool:
    """Whether a file's columns have just what is published; “suppressed” stands for any number that is."""
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
        plain(text.strip()) == plain(known.get(name, ""))
        or (text.strip().casefold() == SUPPRESSED and name in suppressed)
        for name, text in typed.items()
    )
