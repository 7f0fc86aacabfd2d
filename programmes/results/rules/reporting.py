"""Answering a return: saved as it goes, passed on to a second person, and sent to the unit."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from programmes.models import Initiative
from programmes.results.choices import DraftState, LinkPurpose, MailKind
from programmes.results.models import AreaPopulation, Measure, Return, ReturnDraft, Token
from programmes.results.rules.answers import Answers, field_names, read_answers
from programmes.results.rules.asking import queue_mail
from programmes.results.tokens import find_usable_token
from vru_portal.publishing.state import State
from vru_portal.text.characters import remove_forbidden

MAX_TYPED = 2000  # characters of one answer that are kept


class InvalidLink(Exception):  # noqa: N818 - reads as the condition it reports
    """A link that does not work: unknown, damaged, taken back or expired. Nobody is told which."""


class NotOpen(Exception):  # noqa: N818
    """The return cannot be changed now, for a reason that the page tells."""

    def __init__(self, reason: str, draft: ReturnDraft) -> None:
        super().__init__(reason)
        self.reason, self.draft = reason, draft


class ChangedMeanwhile(Exception):  # noqa: N818
    """Somebody else has changed the same answers since the form was opened; ``typed`` is what was sent."""

    def __init__(self, saved: dict[str, str]) -> None:
        super().__init__()
        self.saved = saved


def measures_of(initiative: Initiative) -> list[Measure]:
    return list(Measure.objects.of(initiative).prefetch_related("breakdowns__groups"))


def most_people(initiative: Initiative) -> int | None:
    """How many people live in the areas that an initiative serves; None if that is not known of all of them."""
    areas = list(initiative.areas.values_list("pk", flat=True))
    known = AreaPopulation.objects.filter(area__in=areas)
    if not areas or known.count() != len(areas):
        return None
    return sum(known.values_list("people", flat=True))


def why_not_open(draft: ReturnDraft, purpose: str) -> str:
    """The name of the reason why this link cannot change the answers now; empty if it can."""
    asked = draft.asked
    if draft.state == DraftState.CANCELLED or asked.cancelled_at:
        return "cancelled"
    if asked.initiative.state != State.PUBLISHED or asked.initiative.level.state != State.PUBLISHED:
        return "withdrawn"
    if draft.state in (DraftState.SUBMITTED, DraftState.APPROVED):
        return draft.state
    if draft.is_closed(timezone.localdate()):
        return "closed"
    if draft.state == DraftState.PASSED_ON and purpose != LinkPurpose.CONFIRM:
        return "passed_on"
    return ""


def require_open_token(secret: str, *, lock: bool = False) -> Token:
    """The token of a link with which the answers can be changed. Raises InvalidLink or NotOpen."""
    token = find_usable_token(secret)
    if token is None:
        raise InvalidLink
    if lock:
        token.draft = (
            ReturnDraft.objects.select_for_update(of=("self",))
            .select_related("asked__initiative__level", "asked__organisation")
            .get(pk=token.draft_id)
        )
    if reason := why_not_open(token.draft, token.purpose):
        raise NotOpen(reason, token.draft)
    return token


@transaction.atomic
def save_answers(*, secret: str, typed: Mapping[str, str], before: Mapping[str, str]) -> ReturnDraft:
    """Keep what was typed, whether or not it can be sent like this.

    ``before`` is what the form showed when it was opened. Raises ChangedMeanwhile if somebody else has changed one of
    these answers since, and to something else.
    """
    token = require_open_token(secret, lock=True)
    draft = token.draft
    names = set(field_names(measures_of(draft.asked.initiative)))
    cleaned = {name: remove_forbidden(text)[:MAX_TYPED] for name, text in typed.items() if name in names}
    saved = {name: str(draft.answers.get(name, "")) for name in cleaned}
    changed = [name for name in cleaned if saved[name] != before.get(name, "") and saved[name] != cleaned[name]]
    if changed:
        raise ChangedMeanwhile(saved)
    draft.answers = {**draft.answers, **cleaned}
    if draft.state not in (DraftState.QUERIED, DraftState.PASSED_ON):
        draft.state = DraftState.STARTED
    draft.save(update_fields=["answers", "state"])
    return draft


def answers_of(draft: ReturnDraft, measures: list[Measure] | None = None) -> Answers:
    """The answers as figures. Raises ValidationError, by field name, for what has to be corrected first."""
    initiative = draft.asked.initiative
    known = measures_of(initiative) if measures is None else measures
    return read_answers(known, draft.answers, most_people(initiative))


@transaction.atomic
def pass_on(*, secret: str, prepared_by: str, confirm_name: str, confirm_email: str) -> ReturnDraft:
    """Ask a second person to check the answers and send them. Raises ValidationError."""
    draft = require_open_token(secret, lock=True).draft
    answers_of(draft)
    draft.prepared_by, draft.confirm_name, draft.confirm_email = prepared_by, confirm_name, confirm_email
    draft.state = DraftState.PASSED_ON
    draft.full_clean()
    draft.save()
    queue_mail(MailKind.CONFIRM, draft, to=draft.confirm_email)
    return draft


@transaction.atomic
def take_back(*, secret: str) -> ReturnDraft:
    """Go on with the answers oneself. The second person's link stops working."""
    token = find_usable_token(secret)
    if token is None:
        raise InvalidLink
    draft = ReturnDraft.objects.select_for_update(of=("self",)).select_related("asked").get(pk=token.draft_id)
    if draft.state == DraftState.PASSED_ON and token.purpose == LinkPurpose.FILL_IN:
        draft.state, draft.confirm_name, draft.confirm_email = DraftState.STARTED, "", ""
        draft.save()
    return draft


@transaction.atomic
def submit(*, secret: str, name: str) -> ReturnDraft:
    """Send the answers to the unit. ``name`` is who sends them. Raises ValidationError, InvalidLink or NotOpen."""
    token = require_open_token(secret, lock=True)
    draft = token.draft
    answers_of(draft)
    if token.purpose == LinkPurpose.CONFIRM:
        draft.confirmed_by = name
    else:
        draft.prepared_by = name
    draft.state, draft.question, draft.recorded_by = DraftState.SUBMITTED, "", None
    draft.full_clean()
    draft.save()
    Return.objects.filter(pk=draft.asked_id, reported_at=None).update(reported_at=timezone.now())
    for address in draft.reporters:
        queue_mail(MailKind.RECEIVED, draft, to=address)
    return draft
