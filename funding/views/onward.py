"""Reporting onward grants through an emailed link: a list, a form for each grant, a file, then all of it is sent.

All pages work without JavaScript. Opening a page never writes to the database: mail scanners follow every link.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from funding.models import Allocation, OnwardRequest
from funding.regranting.files import FIELDS
from funding.regranting.forms import LABELS, FileForm, GrantForm
from funding.regranting.presenters import onward_report
from funding.regranting.rules import reporting
from funding.regranting.rules.answers import Balance, Entry, read_entries, sum_of_entries
from funding.regranting.rules.requests import ONWARD_REQUESTS
from funding.resources.onward_grants import read_onward_file
from partners.models import LegalNotice
from vru_portal.links.answering import ChangedMeanwhile, NotOpen
from vru_portal.links.choices import LinkPurpose
from vru_portal.links.forms import SEND_LABELS, SendForm
from vru_portal.links.pages import LinkPages, sent_texts
from vru_portal.links.session import allow_form_methods, redirect_see_other
from vru_portal.tabular.downloads import table_response
from vru_portal.tabular.writers import Column, Table
from vru_portal.text.cleaning import truncate
from vru_portal.web.limits import Limit

FILES = Limit("onward-file", most=30)  # files sent with one link: each takes seconds to read
FILE_READ = "funding.regranting.file"  # the salt of what the list says of a file that was just read
MAX_NOTES = 8  # sentences about one file: they are in an address


def request_context(draft: OnwardRequest) -> dict[str, Any]:
    return {"draft": draft, "allocation": draft.allocation}


def labels_of(names: Iterable[str], draft: OnwardRequest | None) -> dict[str, str]:
    labels = {**LABELS, **SEND_LABELS}
    return {name: labels[name] for name in names if name in labels}


PAGES = LinkPages(
    name="onward",
    salt="funding.regranting.link",
    start="funding:onward",
    templates="funding/onward/",
    requests=ONWARD_REQUESTS,
    context=request_context,
    labels=labels_of,
)


def page_context(token: Any, **page: Any) -> dict[str, Any]:
    return {**PAGES.token_context(token), "legal_notice": LegalNotice.current(), **page}


@csrf_exempt  # it changes nothing, and Django would write the secret to a log if it refused a request
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    return PAGES.open(secret)


@require_safe
@PAGES.page
def start(request: HttpRequest) -> HttpResponse:
    """What is asked for, the grants in the list, and those that are published."""
    token = PAGES.require_open(request)
    return render(request, "funding/onward/start.html", page_context(token, **list_context(token.draft, request)))


def list_context(draft: OnwardRequest, request: HttpRequest) -> dict[str, Any]:
    entries = read_entries(draft)
    allocation = Allocation.objects.with_varied().get(pk=draft.allocation_id)
    report = onward_report(allocation)
    reported = report.reported if report else sum_of_entries([])
    return {
        "entries": entries,
        "report": report,
        "balance": Balance(allocation.allocated, reported, sum_of_entries(entries)),
        "problems": [problem for entry in entries for problem in entry.problems],
        "read": file_read(request),
    }


def file_read(request: HttpRequest) -> Any:
    """What the list says of a file that was just read; None for what this portal has not put into the address."""
    try:
        return signing.loads(request.GET.get("read", ""), salt=FILE_READ)
    except signing.BadSignature:
        return None


@allow_form_methods
@PAGES.page
def new_grant(request: HttpRequest) -> HttpResponse:
    """A form for one more grant. It has its key already, so a second click adds no second grant."""
    token = PAGES.require_open(request)
    key = request.POST.get("key", "") or reporting.new_key()
    if not is_key(key):
        raise Http404
    return ask(request, token, key, None)


@allow_form_methods
@PAGES.page
def grant(request: HttpRequest, key: str) -> HttpResponse:
    """The form of a grant in the list."""
    token = PAGES.require_open(request)
    entry = find_entry(token.draft, key)
    if entry is None and request.method != "POST":
        return redirect_see_other("funding:onward")  # it was removed; the list says what there is
    if not is_key(key):
        raise Http404
    return ask(request, token, key, entry)


def is_key(key: str) -> bool:
    return key.isascii() and key.isalnum() and len(key) <= 16


def find_entry(draft: OnwardRequest, key: str) -> Entry | None:
    return next((entry for entry in read_entries(draft) if entry.key == key), None)


def ask(request: HttpRequest, token: Any, key: str, entry: Entry | None) -> HttpResponse:
    """Show the form of a grant, and save what is sent with it even if it has to be corrected."""
    saved = entry.typed if entry else {}
    if request.method != "POST":
        return show_grant(request, token, key, entry, GrantForm(saved, errors=entry.errors if entry else {}))
    secret = PAGES.count_form(request)
    typed, before = sent_texts(request, FIELDS)
    try:
        draft = reporting.save_grant(secret=secret, key=key, typed=typed, before=before)
    except ChangedMeanwhile as changed:
        theirs = [(LABELS[name], text) for name, text in changed.saved.items() if text != typed[name]]
        form = GrantForm(changed.saved, typed)
        return show_grant(request, token, key, entry, form, status=409, theirs=theirs)
    except ValidationError as error:
        return show_grant(request, token, key, entry, GrantForm(saved, typed, {"__all__": error.messages}), status=422)
    if request.POST.get("then") == "list":  # which says what is still to be corrected
        return redirect_see_other("funding:onward")
    entry = find_entry(draft, key)
    if entry and entry.errors:
        return show_grant(request, token, key, entry, GrantForm(entry.typed, typed, entry.errors), status=422)
    wants_another = entry and request.POST.get("then") == "another"
    return redirect_see_other("funding:onward_new" if wants_another else "funding:onward")


def show_grant(
    request: HttpRequest, token: Any, key: str, entry: Entry | None, form: GrantForm, *, status: int = 200, **page: Any
) -> HttpResponse:
    adding = request.resolver_match is not None and request.resolver_match.url_name == "onward_new"
    context = page_context(token, key=key, entry=entry, form=form, adding=adding, **page)
    return render(request, "funding/onward/grant.html", context, status=status)


@allow_form_methods
@PAGES.page
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether a grant is to be taken out of the list, and take it out."""
    token = PAGES.require_open(request)
    entry = find_entry(token.draft, key)
    if entry is None:
        return redirect_see_other("funding:onward")
    status, theirs = 200, False
    if request.method == "POST":
        _, before = sent_texts(request, FIELDS)
        try:
            reporting.remove_grant(secret=PAGES.count_form(request), key=key, before=before)
        except ChangedMeanwhile:
            status, theirs = 409, True
        else:
            return redirect_see_other("funding:onward")
    context = page_context(token, entry=entry, rows=rows_of(entry.typed), changed=theirs, form=GrantForm(entry.typed))
    return render(request, "funding/onward/remove.html", context, status=status)


def rows_of(typed: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(LABELS[name], typed[name]) for name in FIELDS if typed[name].strip()]


@allow_form_methods
@PAGES.page
def upload(request: HttpRequest) -> HttpResponse:
    """Add the grants of a file to the list."""
    token = PAGES.require_open(request)
    form = FileForm(request.POST, files=request.FILES) if request.method == "POST" else FileForm()
    if request.method == "POST":
        secret = PAGES.count_form(request)
        FILES.count(secret)
        if form.is_valid():
            data = form.cleaned_data
            try:
                found = read_onward_file(data["file"].read(), token.draft.allocation)
                added = reporting.add_rows(secret=secret, rows=found.rows, replace=data["replace"])
            except ValidationError as error:
                form.add_error("file", error)
            else:
                notes = [truncate(note, 200) for note in found.notes[:MAX_NOTES]]
                read = {**asdict(added), "of_others": found.of_others, "notes": notes}
                query = urlencode({"read": signing.dumps(read, salt=FILE_READ, compress=True)})
                return redirect_see_other("funding:onward", f"?{query}")
    context = page_context(token, form=form, columns=FIELDS)
    return render(request, "funding/onward/file.html", context, status=422 if form.errors else 200)


@require_safe
def empty_file(request: HttpRequest) -> HttpResponseBase:
    """A file with only the headings, for those who write their list in a spreadsheet."""
    columns: list[Column[Any]] = [Column(name, "", lambda row: None) for name in FIELDS]
    return table_response(request, Table({}, columns, []), "csv", "onward-grants-empty.csv")


@allow_form_methods
@PAGES.page
def check(request: HttpRequest) -> HttpResponse:
    """Show the whole list once more, and send it or pass it on."""
    token = PAGES.require_token(request) if request.method == "POST" else PAGES.require_open(request)
    is_confirming = token.purpose == LinkPurpose.CONFIRM
    data = request.POST if request.method == "POST" else None
    form = SendForm(data, is_confirming=is_confirming, shown=token.draft.fingerprint)
    if request.method == "POST":
        secret = PAGES.count_form(request)
        if form.is_valid():
            try:
                form.send(secret, pass_on=reporting.pass_on, submit=reporting.submit)
            except ValidationError as error:
                form.add_rule_error(error)
            else:
                return redirect_see_other("funding:onward_sent")
        elif reason := ONWARD_REQUESTS.why_not_open(token):
            raise NotOpen(reason, token)
    context = page_context(token, form=form, **list_context(token.draft, request))
    return render(request, "funding/onward/check.html", context, status=422 if form.errors else 200)


@require_safe
@PAGES.page
def sent(request: HttpRequest) -> HttpResponse:
    """What has become of the report: passed on, sent, approved."""
    token = PAGES.require_token(request)
    if reason := ONWARD_REQUESTS.why_not_open(token):
        return PAGES.render_not_open(request, token, reason)
    return redirect_see_other("funding:onward")


@require_POST
@PAGES.page
def take_back(request: HttpRequest) -> HttpResponse:
    """Take back a list that was passed on to a second person."""
    PAGES.require_token(request)
    reporting.take_back(secret=PAGES.count_form(request))
    return redirect_see_other("funding:onward")
