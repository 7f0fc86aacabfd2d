"""The pages behind the emailed link of a return: what they have in common, besides what all such pages have."""

import re
from collections.abc import Iterable
from typing import Any

from partners.models import LegalNotice
from programmes.results.models import BreakdownGroup, Measure, ReturnDraft, Token
from programmes.results.rules.answers import SPEND, SPEND_LABEL, WORDS
from programmes.results.rules.requests import RETURN_REQUESTS
from vru_portal.links.forms import SEND_LABELS
from vru_portal.links.pages import LinkPages

FIGURE = re.compile(r"measure-(?P<measure>\d{1,9})(?:-group-(?P<group>\d{1,9}))?", re.ASCII)


def draft_context(draft: ReturnDraft) -> dict[str, Any]:
    return {"draft": draft, "return_of_figures": draft.return_of_figures}


def labels_of(names: Iterable[str]) -> dict[str, str]:
    """What the forms call these fields, of whichever return they are."""
    found = {name: label for name, label in {**SEND_LABELS, **WORDS, SPEND: SPEND_LABEL}.items() if name in {*names}}
    figures = {name: match for name in names if (match := FIGURE.fullmatch(name))}
    measures = Measure.objects.in_bulk({int(match["measure"]) for match in figures.values()})
    groups = BreakdownGroup.objects.in_bulk({int(match["group"]) for match in figures.values() if match["group"]})
    for name, match in figures.items():
        measure, group = measures.get(int(match["measure"])), groups.get(int(match["group"] or 0))
        if measure:
            found[name] = f"{measure}: {group}" if group else str(measure)
    return found


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
