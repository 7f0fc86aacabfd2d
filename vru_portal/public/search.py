"""The visitors' search page: `vru_portal.search` finds, and this page shows what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString

import events.declarations.searchable
import events.searchable
import funding.searchable
import partners.searchable
import programmes.searchable
from funding.models import Payment
from partners.models import Unit
from programmes.models import Synonym
from vru_portal.public.site_pages import site_pages
from vru_portal.search import zero_results
from vru_portal.search.current import CurrentIndex, still_public
from vru_portal.search.days import dates_in
from vru_portal.search.documents import ResultKind, SynonymWords
from vru_portal.search.highlighting import Marker
from vru_portal.search.index import Findings, Hit
from vru_portal.search.queries import MAX_CHARACTERS
from vru_portal.text.characters import remove_forbidden
from vru_portal.text.dates import format_date
from vru_portal.web.filters import QueryLink
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page

SHOWN_OF_A_KIND = 3  # where results of all kinds are shown
MAX_WITH_SOME_WORDS = 20  # results, where no page has all the words
FEW = 5  # results: then those with only some of the words follow

SEARCHABLES = tuple(
    chain.from_iterable(
        app.searchable.SEARCHABLES for app in (partners, programmes, funding, events, events.declarations)
    )
)


def synonyms() -> list[SynonymWords]:
    return [SynonymWords(row.typed_lines, row.found_lines) for row in Synonym.objects.all()]


def own_names() -> list[str]:
    """The names of the unit. Somebody who types one of them here with other words is looking for the other words."""
    unit = Unit.objects.with_organisations().first()
    return [unit.organisation.name, *unit.organisation.other_name_list] if unit else []


CURRENT = CurrentIndex(SEARCHABLES, site_pages, synonyms, own_names)


@dataclass(frozen=True)
class Result:
    """A result as the page shows it, with the words that were looked for marked."""

    title: SafeString
    address: str
    summary: SafeString
    excerpt: SafeString | str
    kind: ResultKind


@dataclass(frozen=True)
class Group:
    """The results of one kind: the first few, how many there are, and where the others are."""

    kind: ResultKind
    results: list[Result]
    count: int
    address: str

    @property
    def others(self) -> int:
        return self.count - len(self.results)


@public_page
def search_page(request: HttpRequest) -> HttpResponse:
    """What was found, the best answer first, then by kind; or the form alone."""
    typed = " ".join(remove_forbidden(request.GET.get("q", "")).split())
    query = typed[:MAX_CHARACTERS].strip()
    context: dict[str, Any] = {"query": query, "shortened": len(typed) > len(query), "longest": MAX_CHARACTERS}
    if query:
        index, is_fresh = CURRENT.get()
        findings = index.find(query)
        zero_results.note(query, findings.missed)
        context["payments"] = payments_of_a_day(query)
        context |= search_context(request, query, findings, is_fresh)
        # A page of an older index may be out of date, and a search that missed a word is counted: nobody keeps these.
        if is_fresh and not findings.missed:
            declare_parameters(request, [("q", request.GET["q"])])
    else:
        declare_parameters(request, [])
    return render(request, "search.html", context)


def payments_of_a_day(query: str) -> QueryLink | None:
    """Leads to the payments of the date that was searched for. There may be too many payments to be in the index."""
    for stated in dates_in(query):
        if count := Payment.objects.counted().filter(paid_on=stated.day).count():
            address = f"{reverse('funding:all_payments')}?from={stated.day}&to={stated.day}"
            return QueryLink(format_date(stated.day), address, count)
    return None


def search_context(request: HttpRequest, query: str, findings: Findings, is_fresh: bool) -> dict[str, Any]:
    """What the page shows of the findings."""
    with_all = [hit for hit in findings.hits if hit.has_all]
    with_some = [hit for hit in findings.hits if not hit.has_all][:MAX_WITH_SOME_WORDS]
    hits, others = (with_all, with_some[:FEW] if len(with_all) <= FEW else []) if with_all else (with_some, [])
    by_kind: dict[ResultKind, list[Hit]] = {}
    for hit in hits:
        by_kind.setdefault(hit.entry.searchable.kind, []).append(hit)
    marker = Marker(findings.wanted)
    kind = next((kind for kind in by_kind if kind == request.GET.get("kind")), None)
    context: dict[str, Any] = {
        "total": len(hits),
        "has_all": bool(with_all),
        "corrected": findings.corrected,
        "whole_list": findings.whole_list and findings.whole_list.document,
        "missed": findings.missed,
        "kinds": kind_links(query, by_kind, kind),
    }
    shown: list[Hit] = []

    def results(some: Sequence[Hit]) -> list[Result]:
        some = some if is_fresh else still_public(some)
        shown.extend(some)
        return [result(hit, marker) for hit in some]

    if kind:
        declare_parameters(request, [("kind", kind.value)])
        page = get_page_or_404(request, by_kind[kind])
        context |= {"kind": kind, "page": page, "results": results([*page])}
        context["filters"] = {"prefix": address_of(query, kind).partition("?")[2] + "&"}  # for the links between pages
    else:
        best = findings.best
        context["best"] = next(iter(results([best] if best else [])), None)
        context["groups"] = [
            Group(one, results(rest[:SHOWN_OF_A_KIND]), len(rest), address_of(query, one))
            for one, some in by_kind.items()
            if (rest := [hit for hit in some if hit is not best])
        ]
        context["others"] = results(others)
    context["any_sensitive"] = any(hit.entry.document.sensitive for hit in shown)
    return context


def result(hit: Hit, marker: Marker) -> Result:
    document = hit.entry.document
    title, summary = marker.mark(document.title), marker.mark(document.summary)
    says_why = "<mark>" in f"{title}{summary}" and document.summary
    excerpt = "" if says_why else marker.excerpt(document.text)
    return Result(title, document.address, summary, excerpt, hit.entry.searchable.kind)


def kind_links(query: str, by_kind: dict[ResultKind, list[Hit]], kind: ResultKind | None) -> list[QueryLink]:
    """A link for all kinds and for each that was found, with how many results it would leave."""
    if len(by_kind) < 2:
        return []
    total = sum(map(len, by_kind.values()))
    links = [QueryLink("Everything", address_of(query), total, current=kind is None)]
    return links + [
        QueryLink(one.label, address_of(query, one), len(some), one == kind) for one, some in by_kind.items()
    ]


def address_of(query: str, kind: ResultKind | None = None) -> str:
    parameters = QueryDict(mutable=True)
    parameters["q"] = query
    if kind:
        parameters["kind"] = kind.value
    return f"{reverse('search')}?{parameters.urlencode()}"
