"""The pages behind the emailed link of a return: what they have in common, besides what all such pages have."""

import re
from collections.abc import Iterable
from typing import Any

from partners.models import LegalNotice
from programmes.results.models import ReturnDraft, Token
from programmes.results.rules.answers import SPEND, SPEND_LABEL, WORDS, group_name, total_name
from programmes.results.rules.requests import RETURN_REQUESTS, measures_of
from vru_portal.links.forms import SEND_LABELS
from vru_portal.links.pages import LinkPages

FIGURE = re.compile(r"measure-\d{1,9}(?:-group-\d{1,9})?", re.ASCII)
A_NUMBER = "A number"  # of a return that this visitor was not asked for


def draft_context(draft: ReturnDraft) -> dict[str, Any]:
    return {"draft": draft, "return_of_figures": draft.return_of_figures}


def labels_of(names: Iterable[str], draft: ReturnDraft | None) -> dict[str, str]:
    """What the forms of a return call these fields. What is counted is told only to those who were asked for it."""
    labels = {**SEND_LABELS, **WORDS, SPEND: SPEND_LABEL}
    for measure in measures_of(draft.return_of_figures.initiative) if draft else ():
        labels[total_name(measure)] = str(measure)
        for breakdown in measure.breakdowns.all():
            labels |= {group_name(measure, group): f"{measure}: {group}" for group in breakdown.groups.all()}
    return {name: labels.get(name, A_NUMBER) for name in names if name in labels or FIGURE.fullmatch(name)}


PAGES = LinkPages(
    name="return",
    salt="programmes.results.link",
    start="results:return",
    templates="results/return_",
    requests=RETURN_REQUESTS,
    context=draft_context,
    labels=labels_of,
)


def page_context(token: Token, **page: Any) -> dict[str, Any]:
    return {**PAGES.token_context(token), "legal_notice": LegalNotice.current(), **page}
