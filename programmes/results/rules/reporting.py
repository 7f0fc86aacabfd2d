"""Answering a return: saved as it goes, passed on to a second person, and sent to the unit."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from programmes.results.models import Return, ReturnDraft
from programmes.results.rules.answers import field_names
from programmes.results.rules.requests import RETURN_REQUESTS, measures_of
from vru_portal.links.answering import kept, require_unchanged

pass_on, take_back = RETURN_REQUESTS.pass_on, RETURN_REQUESTS.take_back


@transaction.atomic
def save_answers(*, secret: str, typed: Mapping[str, str], before: Mapping[str, str]) -> ReturnDraft:
    """Keep what was typed, whether or not it can be sent like this.

    ``before`` is what the form showed when it was opened. Raises ChangedMeanwhile if somebody else has changed one of
    these answers since, and to something else.
    """
    draft: ReturnDraft = RETURN_REQUESTS.locked_open_token(secret).draft
    names = set(field_names(measures_of(draft.return_of_figures.initiative)))
    cleaned = kept({name: text for name, text in typed.items() if name in names})
    require_unchanged(saved=draft.answers, before=before, typed=cleaned)
    draft.answers = {**draft.answers, **cleaned}
    RETURN_REQUESTS.save_answers(draft)
    return draft


@transaction.atomic
def submit(*, secret: str, name: str, seen: str = "") -> ReturnDraft:
    """Send the answers to the unit, by the rule for all requests (`Requests.submit`)."""
    draft: ReturnDraft = RETURN_REQUESTS.submit(secret=secret, name=name, seen=seen, recorded_by=None)
    Return.objects.filter(pk=draft.return_of_figures_id, reported_at=None).update(reported_at=timezone.now())
    return draft
