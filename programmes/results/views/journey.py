"""Filling in a return: one thing a page, saved as it goes, checked, then sent or passed on to a second person.

All pages work without JavaScript. Opening a page never writes to the database: mail scanners follow every link.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from programmes.results.forms import AnswersForm, MeasureForm, WordsForm
from programmes.results.models import Measure, ReturnDraft
from programmes.results.rules import reporting
from programmes.results.rules.answers import Figure, field_names, read_figure
from programmes.results.rules.requests import RETURN_REQUESTS, answers_of, measures_of, most_people
from programmes.results.views.session import PAGES, page_context
from vru_portal.links.answering import ChangedMeanwhile, NotOpen
from vru_portal.links.choices import LinkPurpose
from vru_portal.links.forms import SendForm
from vru_portal.links.pages import sent_texts
from vru_portal.links.session import allow_form_methods, redirect_see_other

WORDS_TITLE = "What went well, what did not, and what you spent"


@csrf_exempt  # it changes nothing, and Django would write the secret to a log if it refused a request
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Move the secret from the address into the session. The database is neither read nor written."""
    return PAGES.open(secret)


@require_safe
@PAGES.page
def start(request: HttpRequest) -> HttpResponse:
    """The figures that are requested, and how far the return has got."""
    token = PAGES.require_open(request)
    measures = measures_of(token.draft.return_of_figures.initiative)
    steps = [measure_step(token.draft, measure) for measure in measures]
    has_words = any(token.draft.answers.get(name, "").strip() for name in ("went_well", "went_badly", "spend"))
    steps.append(
        {
            "title": WORDS_TITLE,
            "url": resolve_url("results:words"),
            "done": has_words,
        }
    )
    check = resolve_url("results:check")
    is_begun = any(step["done"] for step in steps)
    next_step = next((step["url"] for step in steps if not step["done"]), check)
    context = page_context(
        token, steps=steps, next_step=check if token.purpose == LinkPurpose.CONFIRM else next_step, is_begun=is_begun
    )
    return render(request, "results/return_start.html", context)


def measure_step(draft: ReturnDraft, measure: Measure) -> dict[str, Any]:
    """A measure in the list of requested figures; ``done`` unless it is empty or has to be corrected."""
    try:
        figure = read_figure(measure, draft.answers)
    except ValidationError:
        figure, wrong = None, True
    else:
        wrong = False
    url = resolve_url("results:figure", slug=measure.slug)
    return {"title": measure.name, "url": url, "done": figure is not None, "wrong": wrong, "figure": figure}


@allow_form_methods
@PAGES.page
def figure(request: HttpRequest, slug: str) -> HttpResponse:
    """The figure of one measure."""
    token = PAGES.require_open(request)
    measures = measures_of(token.draft.return_of_figures.initiative)
    place = next((place for place, measure in enumerate(measures) if measure.slug == slug), None)
    if place is None:
        raise Http404
    measure = measures[place]
    following = measures[place + 1] if place + 1 < len(measures) else None
    next_url = resolve_url("results:figure", slug=following.slug) if following else resolve_url("results:words")
    most = most_people(token.draft.return_of_figures.initiative)

    def make(answers: Mapping[str, str], typed: Mapping[str, str] | None = None) -> AnswersForm:
        return MeasureForm(measure, answers, typed, most=most)

    context = page_context(token, measure=measure, number=place + 1, count=len(measures))
    return ask(request, token.draft, make, "results/return_figure.html", context, next_url)


@allow_form_methods
@PAGES.page
def words(request: HttpRequest) -> HttpResponse:
    """What went well, what did not, and the spend."""
    token = PAGES.require_open(request)
    context = page_context(token, title=WORDS_TITLE)
    return ask(request, token.draft, WordsForm, "results/return_words.html", context, resolve_url("results:check"))


def ask(
    request: HttpRequest, draft: ReturnDraft, make: Any, template: str, context: dict[str, Any], next_url: str
) -> HttpResponse:
    """Show a form, and save what is sent with it even if it has to be corrected."""
    if request.method != "POST":
        form = make(draft.answers)
        if any(draft.answers.get(name, "").strip() for name in form.field_names()):  # an error that was left
            form = with_errors(make, draft.answers, draft.answers)
        return render(request, template, {**context, "form": form})
    secret = PAGES.count_form(request)
    typed, before = sent_texts(request, make(draft.answers).field_names())
    try:
        draft = reporting.save_answers(secret=secret, typed=typed, before=before)
    except ChangedMeanwhile as changed:
        form = make(changed.saved, typed)
        theirs = [(form.fields[name].label, text) for name, text in changed.saved.items() if text != typed[name]]
        return render(request, template, {**context, "form": form, "theirs": theirs}, status=409)
    if request.POST.get("then") == "list":  # which says what is still to be corrected
        return redirect_see_other("results:return")
    form = with_errors(make, draft.answers, typed)
    if form.errors:
        return render(request, template, {**context, "form": form}, status=422)
    to_check = "check" in request.GET or "check" in request.POST
    return redirect_see_other(resolve_url("results:check") if to_check else next_url)


def with_errors(make: Any, answers: Mapping[str, str], typed: Mapping[str, str]) -> AnswersForm:
    form: AnswersForm = make(answers, typed)
    form.full_clean()
    try:
        form.check_answers(typed)
    except ValidationError as error:
        form.add_rule_error(error)
    return form


@allow_form_methods
@PAGES.page
def check(request: HttpRequest) -> HttpResponse:
    """Show everything once more, and send it or pass it on."""
    token = PAGES.require_token(request) if request.method == "POST" else PAGES.require_open(request)
    draft = token.draft
    data = request.POST if request.method == "POST" else None
    form = SendForm(data, is_confirming=token.purpose == LinkPurpose.CONFIRM, shown=draft.fingerprint)
    if request.method == "POST":
        secret = PAGES.count_form(request)
        if form.is_valid():
            try:
                form.send(secret, pass_on=reporting.pass_on, submit=reporting.submit)
                return redirect_see_other("results:sent")
            except ValidationError as error:
                form.add_rule_error(error)
        elif reason := RETURN_REQUESTS.why_not_open(token):
            raise NotOpen(reason, token)
    measures = measures_of(draft.return_of_figures.initiative)
    try:
        answers = answers_of(draft, measures)
        problems: list[str] = []
    except ValidationError as error:
        answers, problems = None, error.messages
    rows = [checked_row(draft, measure) for measure in measures]
    context = page_context(token, form=form, rows=rows, answers=answers, problems=problems, typed=draft.answers)
    return render(request, "results/return_check.html", context, status=422 if form.errors else 200)


def checked_row(draft: ReturnDraft, measure: Measure) -> dict[str, Any]:
    """A measure on the page that shows all answers: its figure, or what was typed."""
    found: Figure | None = None
    with suppress(ValidationError):
        found = read_figure(measure, draft.answers)
    typed = [draft.answers.get(name, "") for name in field_names([measure]) if name.startswith("measure-")]
    return {"measure": measure, "figure": found, "typed": ", ".join(text for text in typed if text.strip())}


@require_safe
@PAGES.page
def sent(request: HttpRequest) -> HttpResponse:
    """What has become of the return: passed on, sent, approved."""
    token = PAGES.require_token(request)
    reason = RETURN_REQUESTS.why_not_open(token)
    if not reason:
        return redirect_see_other("results:return")
    return PAGES.render_not_open(request, token, reason)


@require_POST
@PAGES.page
def take_back(request: HttpRequest) -> HttpResponse:
    """Go on with the answers that were passed on to a second person."""
    PAGES.require_token(request)
    secret = PAGES.count_form(request)
    reporting.take_back(secret=secret)
    return redirect_see_other("results:return")
