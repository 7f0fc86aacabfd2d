"""Pages of the money: eight queries each at most, so what is on a page comes in few and large ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from funding.accounts import Accounts, Sums, accounts_of
from funding.choices import DutyList, Kind
from funding.filters import AllocationQuestion, PaymentQuestion, Question, read_as_at
from funding.flow import flow_of
from funding.forms import LABELS, Choices, allocation_choices, day_form, filter_form, payment_choices
from funding.giving import why_not
from funding.lines import lacks_copy, line_of, statements_of
from funding.models import Allocation, ContractCopy, FinancialYear, FundingSource, PublicationDuty
from funding.querysets import NOW, AsAt, contributors
from funding.rules import LIST_OF
from funding.validators import first_year_of
from programmes.models import PreventionLevel
from programmes.views import Choice, asking
from vru_portal.pages import page_of

PAYMENTS_PER_PAGE = 50


@dataclass(frozen=True)
class Found:
    """A year with its sources as at a day, among all years that have any."""

    year: FinancialYear
    years: list[FinancialYear]
    sources: list[FundingSource]


def sources_in(label: str, as_at: AsAt) -> Found:
    """Return the year of an address in one query; raises Http404 where no money is recorded for it."""
    every = list(FundingSource.objects.of_all_years(as_at))
    years = {source.year_id: source.year for source in every}
    year = next((year for year in years.values() if year.first_year == first_year_of(label)), None)
    if year is None:
        raise Http404(f"No funding is recorded for {label[:20]}.")
    return Found(year, list(years.values()), [row for row in every if row.year_id == year.pk and row.counts])


@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """Lead to the latest year that has a source; where there is none, say so."""
    source = FundingSource.objects.standing().select_related("year").order_by("-year__first_year").first()
    return redirect(source.year) if source else render(request, "funding/none.html")


@require_safe
def year(request: HttpRequest, label: str) -> HttpResponse:
    """A financial year: its sources, what became of them, until when it may be spent, and what is not stated."""
    as_at, _ = read_as_at(request.GET)
    found = sources_in(label, as_at)
    prefetch_related_objects(found.sources, contributors())
    accounts = accounts_of(found.year, found.sources, as_at)
    duty = PublicationDuty.objects.select_related("awarding_body").with_counts(found.year, as_at).first()
    question = AllocationQuestion(found.year, request.GET, accounts, duty=duty)
    levels = PreventionLevel.objects.public().select_related("source").with_counts()
    # Before any money is allocated, the page names who may get it.
    levels = levels if accounts.entries else levels.with_initiatives()
    choices = allocation_choices(question, levels)
    here = found.year.get_absolute_url()
    today = as_at.day or timezone.localdate()
    spend_by = found.year.spend_by
    return render(
        request,
        "funding/year.html",
        {
            "year": found.year,
            "years": found.years,
            "sources": found.sources,
            "nothing_known": as_at.day and not found.sources and not accounts.entries,
            "budget": accounts.total if as_at.day else found.year.budget(found.sources),
            "carried_in": [source for source in found.sources if source.carried_from_id],
            "accounts": accounts,
            "flow": flow_of(accounts, levels) if accounts.entries else None,
            "days_left": (spend_by - today).days if spend_by else None,
            "levels": levels,
            "duty": duty,
            "lists": lists_of(accounts, duty),
            "why_no_giving": why_not(duty, any_awards=bool(duty and duty.any_grants)),
            "question": question,
            "page": page_of(request, question.rows.with_copy(as_at), count=question.count),
            "filter_form": filter_form(question, choices, action=f"{here}#allocations", submit="Show allocations"),
            "day_form": day_form(question, action=here),
            **links_of(question, choices),
        },
    )


@require_safe
def payments(request: HttpRequest, label: str) -> HttpResponse:
    """The payments of a year: the whole ledger, with what was taken back and what is irregular."""
    as_at, _ = read_as_at(request.GET)
    found = sources_in(label, as_at)
    duty, columns = PublicationDuty.objects.with_list(DutyList.ITEMS) if request.GET.get("duty") else (None, [])
    question = PaymentQuestion(found.year, request.GET, duty=duty)
    levels = PreventionLevel.objects.public().with_counts()
    choices = payment_choices(question, found.sources, levels)
    here = reverse("funding:payments", args=[label])
    page = page_of(request, question.rows, PAYMENTS_PER_PAGE, count=question.count)
    return render(
        request,
        "funding/payments.html",
        {
            "year": found.year,
            "levels": levels,
            "duty": duty,
            "question": question,
            # what is stated of a payment says something of what its initiative is about; its name does not
            "any_sensitive": bool(columns) and any(row.allocation.initiative.sensitive_topic for row in page),
            "page": page,
            "lines": [line_of(payment, as_at, columns) for payment in page],
            "filter_form": filter_form(question, choices, action=here, submit="Show payments"),
            "day_form": day_form(question, action=here),
            **links_of(question, choices),
        },
    )


@require_safe
def allocation(request: HttpRequest, public_id: str) -> HttpResponse:
    """One allocation, traced back to its source and on to its payments."""
    related = ("funding_source__year", "funding_source__source", "initiative__level", "recipient", "awarded_by")
    rows = Allocation.objects.filter(reverses=None).select_related(*related, "assessment", "reversed_by")
    rows = rows.with_paid().with_approval().with_award().with_payment_count()
    found = get_object_or_404(rows.prefetch_related(contributors("funding_source__contributors")), public_id=public_id)
    payments = found.payments.with_irregularities().order_by("paid_on", "pk").prefetch_related("explanations")
    payments = payments.select_related("payee", "reverses", "reversed_by", "allocation__funding_source__year")
    page = page_of(request, payments, PAYMENTS_PER_PAGE, count=found.payment_count)
    duty, columns = PublicationDuty.objects.with_list(LIST_OF[Kind(found.kind)])
    award, copies = award_of(found)
    return render(
        request,
        "funding/allocation.html",
        {
            "allocation": found,
            "award": award,
            "copies": copies,
            "copy_missing": not found.is_reversed and lacks_copy(found, duty, has_copy=bool(copies)),
            "duty": duty,
            "statements": statements_of(found, columns),
            "page": page,
            "lines": [line_of(payment, NOW) for payment in page],
        },
    )


def award_of(allocation: Allocation) -> tuple[list[Allocation], list[ContractCopy]]:
    """Return the allocations of an award in the order of their years, and the copies of its contract, in one query."""
    rows = Allocation.objects.of_award(allocation).with_copies()
    award = {row.pk: row for row in rows}
    copies = {
        row.copy: ContractCopy(pk=row.copy, title=row.copy_title or "", url=row.copy_url or "")
        for row in rows
        if row.copy
    }
    return list(award.values()), list(copies.values())


def lists_of(accounts: Accounts, duty: PublicationDuty | None) -> dict[str, dict[str, Any]]:
    """Return how many grants and contracts the lists of the duty hold, and what they come to."""
    found = {}
    for kind, name in LIST_OF.items():
        over = getattr(duty, PublicationDuty.THRESHOLDS[name], None)
        entries = [entry for entry in accounts.entries if entry.is_listed(kind, over)]
        found[name.value] = {"count": len(entries), "total": Sums(entries).allocated}
    return found


def links_of(question: Question, choices: Mapping[str, Choices]) -> dict[str, Any]:
    """Return links that ask the same with one thing changed, and the question itself for downloads."""
    day = QueryDict(mutable=True)
    for name in ("as_at", "basis"):
        if question.one(name):
            day[name] = question.one(name)
    asked = question.data.copy()
    asked.pop("page", None)
    return {
        "as_at": question.as_at,
        "chips": chips(question, choices),
        "clear_url": asking(question.data, **{name: [] for name in question.FILTERS}),
        "now_url": asking(question.data, as_at=[], basis=[]),
        "query": f"?{asked.urlencode()}" if asked else "",
        "day_query": f"?{day.urlencode()}" if day else "",
        "same_day": f"{day.urlencode()}&" if day else "",
    }


def chips(question: Question, choices: Mapping[str, Choices]) -> list[Choice]:
    """Return a link for each answer in use that undoes it; what does not exist can be undone too."""
    links = []
    for name in question.FILTERS:
        chosen = question.chosen(name) if name in question.SLUGS else [*filter(None, [question.one(name)])]
        names = dict(choices.get(name, ()))
        for answer in chosen:
            others = [other for other in chosen if other != answer]
            label = f"{LABELS[name]}: {names.get(answer, answer[:60])}"
            links.append(Choice(label, asking(question.data, **{name: others})))
    return links
