"""The public pages about sums: a year, its payments, one allocation."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from funding.choices import DUTY_LIST_OF_KIND, AllocationKind, DutyList, VariationKind
from funding.conditions import judged_conditions
from funding.datasets.published import LISTS_OF_A_YEAR
from funding.datasets.threesixtygiving import unavailable_reason
from funding.datasets.totals import payment_totals
from funding.filters import AllocationFilters, MoneyFilters, PaymentFilters, TotalsFilters
from funding.filters.money import years_with_money
from funding.filters.payments import BY
from funding.forms import allocation_choices, day_form, filter_form, payment_choices
from funding.models import (
    Allocation,
    ContractCopy,
    FinancialYear,
    FundingSource,
    PublicationDuty,
)
from funding.presenters import (
    allocation_published_fields,
    allocation_row,
    is_contract_copy_missing,
    payment_row,
    total_bars,
)
from funding.regranting.presenters import onward_report
from funding.sankey.flows import money_flow
from funding.validators import parse_year_label
from funding.views.queries import (
    first_decision_of,
    first_grant_of,
    item_counts,
    overcommitments_of,
    publication_duty,
    reversed_allocations_of,
    sources_of,
    variations_of,
)
from funding.year_accounts import (
    BalanceTotals,
    YearAccounts,
    contract_copies_by_allocation,
    prefetch_contributors,
    year_accounts,
)
from partners.models import Unit
from programmes.models import PreventionLevel
from programmes.presenters.levels import levels_with_initiatives
from vru_portal.ledger.cut_off import NOW
from vru_portal.tabular.downloads import FORMATS
from vru_portal.web.addresses import full_url
from vru_portal.web.cut_off import DAY_PARAMETERS, read_cut_off
from vru_portal.web.file_responses import MEDIA_TYPES
from vru_portal.web.filters import Choices
from vru_portal.web.limits import COSTLY_PAGES, limit_costly_request
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page
from vru_portal.web.structured_data import json_ld, reference

PAYMENTS_PER_PAGE = 50


def get_year_or_404(label: str, years: Iterable[FinancialYear]) -> FinancialYear:
    """The year with this label, such as 2031-32; raises Http404 if it is not among ``years``."""
    year = next((year for year in years if year.first_year == parse_year_label(label)), None)
    if year is None:
        raise Http404(f"No funding is recorded for {label[:20]}.")
    return year


@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """Redirect to the latest year that has a source, or say that there is none."""
    source = FundingSource.objects.standing().select_related("year").order_by("-year__first_year").first()
    return redirect(source.year) if source else render(request, "funding/none.html")


@require_safe
@public_page
def year(request: HttpRequest, label: str) -> HttpResponse:
    """A financial year: its sources, where they went, the deadline for spending them, and what is not stated."""
    cut_off, _ = read_cut_off(request.GET)
    if cut_off.known_before:
        limit_costly_request(request, COSTLY_PAGES)
    years = years_with_money()
    found = get_year_or_404(label, years)
    sources = sources_of(found, cut_off)
    accounts = year_accounts(found, sources, cut_off)
    duty = next(iter(publication_duty()), None)
    filters = AllocationFilters(found, request.GET, accounts, duty=duty)
    declare_parameters(request, filters.valid)
    copies = contract_copies_by_allocation(accounts)
    page = get_page_or_404(request, filters.balances)
    # Before any money is allocated, the page names the initiatives that may get it.
    levels = PreventionLevel.objects.listed() if accounts.balances else levels_with_initiatives()
    tally = filters.tally(levels)
    choices = allocation_choices(filters, tally)
    labels = allocation_choices(filters, tally, counts=False)
    here = found.get_absolute_url()
    unit = Unit.objects.current()
    today = cut_off.day or timezone.localdate()
    spend_by = found.spend_by
    conditions = judged_conditions(accounts)
    return render(
        request,
        "funding/year.html",
        {
            "year": found,
            "years": years,
            "sources": sources,
            "unit": unit,
            "contact_points": unit.contact_list,
            "json_ld": year_structured_data(unit, found, duty),
            "nothing_known": cut_off.day and not sources and not accounts.balances,
            "budget": accounts.total if cut_off.day else found.budget(sources),
            "carried_in": [source for source in sources if source.carried_from_id],
            "accounts": accounts,
            "flow": money_flow(accounts, levels) if accounts.has_uses else None,
            "variations": variations_of(found, cut_off=cut_off) if accounts.varied else [],
            "varied": varied_totals(accounts),
            "conditions": conditions,
            "conditions_stated": [one.condition for one in conditions],
            "overcommitments": overcommitments_of(found, cut_off=cut_off),
            "has_decisions": bool(first_decision_of(found)),
            "days_left": (spend_by - today).days if spend_by else None,
            "levels": levels,
            "duty": duty,
            "lists": duty_list_totals(accounts, duty, copies),
            "grants_file_unavailable": unavailable_reason(
                duty, any_awards=bool(duty and first_grant_of(duty.awarding_body))
            ),
            "reversed_allocations": [] if cut_off.day else reversed_allocations_of(found),
            "filters": filters,
            "page": page,
            "rows": [allocation_row(balance, copies, duty) for balance in page],
            "filter_form": filter_form(filters, choices, action=f"{here}#allocations", submit="Show allocations"),
            "day_form": day_form(filters, action=here),
            **query_context(filters, labels),
        },
    )


def varied_totals(accounts: YearAccounts) -> list[tuple[str, str, Decimal]]:
    """The totals of the year's variations by kind: the kind, its name and the sum."""
    return [(kind.value, str(kind.label), accounts.varied[kind]) for kind in VariationKind if kind in accounts.varied]


@require_safe
@public_page
def payments(request: HttpRequest, label: str | None = None) -> HttpResponse:
    """The payments of a year, or of all years, reversed ones and reversals included, with what is irregular of each."""
    if request.GET.get("exceptions"):
        limit_costly_request(request, COSTLY_PAGES)
    years = years_with_money()
    year = get_year_or_404(label, years) if label else None
    duty, columns = PublicationDuty.objects.with_list(DutyList.ITEMS) if request.GET.get("duty") else (None, [])
    filters = PaymentFilters(year, request.GET, duty=duty)
    declare_parameters(request, filters.valid)
    choices = payment_choices(filters)
    here = reverse("funding:payments", args=[label]) if label else reverse("funding:all_payments")
    page = get_page_or_404(request, filters.keys, PAYMENTS_PER_PAGE, count=filters.count)
    rows = filters.fetch_page(list(page)) if filters.count else []
    # The year of the page is one of the filters of the totals, which are of all years.
    totals_query = TotalsFilters(None, with_year(filters.valid, year)).query
    return render(
        request,
        "funding/payments.html",
        {
            "year": year,
            "years": years,
            "list_url": here,
            "duty": duty,
            "filters": filters,
            # The quick exit from pages on sensitive topics. An initiative's name alone does not call for it; what the
            # duty asks to be stated about a payment says what the initiative is about.
            "any_sensitive": bool(columns) and any(row.allocation.is_sensitive for row in rows),
            "page": page,
            "rows": [payment_row(payment, filters.cut_off, columns) for payment in rows],
            "filter_form": filter_form(filters, choices, action=here, submit="Show payments"),
            "day_form": day_form(filters, action=here),
            "sort_links": filters.sort_links,
            "totals_url": totals_address(totals_query),
            "all_totals_url": totals_address(without_year(totals_query)),
            "all_years_url": reverse("funding:all_payments") + filters.query,
            **query_context(filters, payment_choices(filters, counts=False)),
        },
    )


def with_year(valid: QueryDict, year: FinancialYear | None) -> QueryDict:
    data = valid.copy()
    if year:
        data.setlist("year", [year.label])
    return data


def without_year(query: str) -> str:
    data = QueryDict(query.removeprefix("?"), mutable=True)
    data.pop("year", None)
    return f"?{data.urlencode()}" if data else ""


def totals_address(query: str) -> str:
    """The address of the totals, to which how they are grouped is added."""
    return reverse("funding:totals") + (f"{query}&" if query else "?")


@require_safe
@public_page
def totals(request: HttpRequest) -> HttpResponse:
    """The payments added up by recipient, level, month and so on: who received most."""
    if request.GET.get("exceptions"):
        limit_costly_request(request, COSTLY_PAGES)
    filters = TotalsFilters(None, request.GET)
    declare_parameters(request, filters.valid)
    choices = payment_choices(filters)
    found = payment_totals(filters)
    page = get_page_or_404(request, found, PAYMENTS_PER_PAGE)
    largest = max((abs(total.amount) for total in found), default=Decimal(0))
    here = reverse("funding:totals")
    return render(
        request,
        "funding/totals.html",
        {
            "filters": filters,
            "by": BY[filters.by],
            "by_links": filters.by_links,
            "page": page,
            "bars": list(total_bars(filters, page, largest)),
            "count": sum(total.payments for total in found),
            "total": sum((total.amount for total in found), Decimal(0)),
            "filter_form": filter_form(filters, choices, action=here, submit="Show totals"),
            "payments_url": reverse("funding:all_payments") + filters.query,
            **query_context(filters, payment_choices(filters, counts=False)),
        },
    )


@require_safe
@public_page
def allocation(request: HttpRequest, public_id: str) -> HttpResponse:
    """One allocation, traced back to its source and forward to its payments."""
    related = (
        *("funding_source__year", "funding_source__source", "initiative__level", "heading", "recipient", "awarded_by"),
        *("assessment__approach", "reversed_by", "moved_from__allocation"),
        *("decision__year", "decision__decided_by__person", "decision__decided_by__organisation"),
    )
    rows = Allocation.objects.filter(reverses=None).select_related(*related)
    rows = rows.with_paid().with_varied().with_approval().with_award_total().with_payment_count()
    found = get_object_or_404(
        rows.prefetch_related(prefetch_contributors("funding_source__contributors")), public_id=public_id
    )
    payments = found.payments.with_irregularities().order_by("paid_on", "pk").prefetch_related("explanations")
    payments = payments.select_related("payee", "reverses", "reversed_by", "allocation__funding_source__year")
    variations = found.variations.standing().select_related("decision__year", "allocation__reverses")
    page = get_page_or_404(request, payments, PAYMENTS_PER_PAGE, count=found.payment_count)
    duty, columns = PublicationDuty.objects.with_list(DUTY_LIST_OF_KIND.get(AllocationKind(found.kind), ""))
    award, copies = award_and_contract_copies(found)
    return render(
        request,
        "funding/allocation.html",
        {
            "allocation": found,
            "award": award,
            "onward": onward_report(found),
            "variations": variations.prefetch_related("moved_into"),
            "copies": copies,
            "copy_missing": not found.is_reversed
            and is_contract_copy_missing(found, duty, award=award, has_copy=bool(copies)),
            "duty": duty,
            "published_fields": allocation_published_fields(found, columns),
            "page": page,
            "rows": [payment_row(payment, NOW) for payment in page],
        },
    )


def year_structured_data(unit: Unit, year: FinancialYear, duty: PublicationDuty | None) -> SafeString:
    """The year's money as a dataset, with the files of its lists."""
    files = [
        {
            "@type": "DataDownload",
            "name": f"{dataset.title} {year.label}",
            "encodingFormat": MEDIA_TYPES[form].partition(";")[0],
            "contentUrl": full_url(reverse("open_data:download_of_year", args=[year.label, dataset.name, form])),
        }
        for dataset in LISTS_OF_A_YEAR.values()
        for form in FORMATS
    ]
    return json_ld(
        "Dataset",
        name=f"Funding of {unit.name}, {year.label}",
        description=f"Sources, decisions, allocations and payments of {unit.name} in the financial year {year.label}.",
        url=full_url(year.get_absolute_url()),
        temporalCoverage=f"{year.starts_on}/{year.ends_on}",
        creator=reference("Organization", unit.organisation),
        license=duty.licence_url if duty else None,
        isAccessibleForFree=True,
        distribution=files,
    )


def award_and_contract_copies(allocation: Allocation) -> tuple[list[Allocation], list[ContractCopy]]:
    """The allocations of an award by year, and the copies of its contract, in one query."""
    rows = Allocation.objects.of_award(allocation).with_each_contract_copy()
    award = {row.pk: row for row in rows}
    copies = {
        row.copy: ContractCopy(pk=row.copy, title=row.copy_title or "", url=row.copy_url or "")
        for row in rows
        if row.copy
    }
    return list(award.values()), list(copies.values())


def duty_list_totals(
    accounts: YearAccounts, duty: PublicationDuty | None, copies: Mapping[int, ContractCopy]
) -> dict[str, dict[str, Any]]:
    """For each list of the duty: the number of rows, their total, and the number of contracts without a copy."""
    if duty is None:
        return {}
    items = item_counts(accounts.year, cut_off=accounts.cut_off, threshold=duty.items_over)
    found: dict[str, dict[str, Any]] = {DutyList.ITEMS.value: {"count": sum(items)}}
    for kind, name in DUTY_LIST_OF_KIND.items():
        threshold = getattr(duty, PublicationDuty.THRESHOLDS[name])
        balances = [balance for balance in accounts.balances if balance.is_on_duty_list(kind, threshold)]
        without_copy = sum(balance.pk not in copies for balance in balances)
        found[name.value] = {
            "count": len(balances),
            "total": BalanceTotals(balances).allocated,
            "without_copy": without_copy,
        }
    return found


def query_context(filters: MoneyFilters, choices: Mapping[str, Choices]) -> dict[str, Any]:
    """Links that change one thing in the query of the page, and the query itself for its downloads."""
    day_query_prefix = filters.prefix(*DAY_PARAMETERS)
    return {
        "cut_off": filters.cut_off,
        "removal_links": filters.removal_links(choices),
        "clear_url": filters.clear_link,
        "now_url": filters.link(as_at=[], basis=[]),
        "query": filters.query,
        "day_query": f"?{day_query_prefix}".rstrip("?&"),
        "day_query_prefix": day_query_prefix,
    }
