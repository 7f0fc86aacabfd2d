"""The pages behind one kind of emailed links: who may see them, and what to say where they cannot be used."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vru_portal.links.answering import MAX_TYPED, InvalidLink, NotOpen
from vru_portal.links.choices import LinkPurpose
from vru_portal.links.requests import Requests
from vru_portal.links.secrets import secret_in
from vru_portal.links.session import LinkSession, redirect_see_other
from vru_portal.web.limits import Limit, client_network

View = Callable[..., HttpResponse]
MARK = "link_mark"  # the hidden field that says which request a form belongs to
BEFORE = "before-"  # the hidden fields that hold what the form showed
MAX_SHOWN = 60  # typed texts that could not be saved


class FormForAnotherLink(Exception):  # noqa: N818 - reads as the condition it reports
    """The form belongs to another request than the link that this browser opened last."""


@dataclass(frozen=True)
class LinkPages:
    """The pages of one kind of requests."""

    name: str  # of the cookie, and of the limits
    salt: str
    start: str  # the name of the first page's address
    templates: str  # the beginning of the names of `no_link.html`, `another_link.html` and `not_open.html`
    requests: Requests
    context: Callable[[Any], dict[str, Any]]  # what all pages about a draft show
    # What the forms call these fields. The draft is None for a visitor whose link does not work, who must learn nothing
    # about it. Fields without a label are not texts.
    labels: Callable[[Iterable[str], Any], dict[str, str]]

    @cached_property
    def session(self) -> LinkSession:
        return LinkSession(cookie=self.name, salt=self.salt)

    @cached_property
    def invalid_links(self) -> Limit:
        """Links that do not work, from one network. A working link is limited by itself, never by its address."""
        return Limit(f"{self.name}-link", most=120, in_memory=True)

    @cached_property
    def forms(self) -> Limit:
        """Forms sent with one link."""
        return Limit(f"{self.name}-form", most=300)

    def open(self, secret: str) -> HttpResponse:
        """Move the secret from the address into the session. The database is neither read nor written."""
        return self.session.store(redirect_see_other(self.start), secret=secret_in(secret))

    def page(self, view: View) -> View:
        """Decorate a view: each thing that stops a visitor gets a page that says what to do next."""

        @wraps(view)
        def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, **kwargs)
            except InvalidLink:
                self.invalid_links.count(client_network(request))
                context = {"typed": self.typed_texts(request, None)}
                return render(request, f"{self.templates}no_link.html", context, status=404)
            except FormForAnotherLink:
                token = self.requests.find_token(self.session.secret(request))
                draft = token and token.draft
                context = (self.context(draft) if draft else {}) | {"typed": self.typed_texts(request, draft)}
                return render(request, f"{self.templates}another_link.html", context, status=409)
            except NotOpen as stopped:
                return self.render_not_open(request, stopped.token, stopped.reason)

        return answer

    def render_not_open(self, request: HttpRequest, token: Any, reason: str) -> HttpResponse:
        context = {**self.token_context(token), "reason": reason, "typed": self.typed_texts(request, token.draft)}
        status = 409 if request.method == "POST" else 200
        return render(request, f"{self.templates}not_open.html", context, status=status)

    def typed_texts(self, request: HttpRequest, draft: Any) -> list[tuple[str, str]]:
        """What was sent with a form that could not be saved, to be copied from the page: labels with texts."""
        sent = {name: str(text).strip()[:MAX_TYPED] for name, text in request.POST.items() if str(text).strip()}
        if not sent:
            return []
        labels = self.labels(sent, draft)
        return [(labels[name], text) for name, text in sent.items() if name in labels][:MAX_SHOWN]

    def require_token(self, request: HttpRequest) -> Any:
        """The token of the link that this browser opened last. Raises InvalidLink or FormForAnotherLink."""
        token = self.requests.find_token(self.session.secret(request))
        if token is None:
            raise InvalidLink
        if request.method == "POST" and not self.session.is_marked(request.POST.get(MARK, ""), token.draft_id):
            raise FormForAnotherLink
        return token

    def require_open(self, request: HttpRequest) -> Any:
        """Like `require_token`, but raises NotOpen unless the answers can be changed now."""
        token = self.require_token(request)
        if reason := self.requests.why_not_open(token):
            raise NotOpen(reason, token)
        return token

    def count_form(self, request: HttpRequest) -> str:
        """Count a form that is sent, and return the secret of its link; raises TooMany."""
        secret = self.session.secret(request)
        self.forms.count(secret)
        return secret

    def token_context(self, token: Any) -> dict[str, Any]:
        """What every page shows whose link works."""
        return {
            **self.context(token.draft),
            **self.marked(token.draft),
            "is_confirming": token.purpose == LinkPurpose.CONFIRM,
        }

    def marked(self, draft: Any) -> dict[str, str]:
        """The hidden field that ties a form to this draft."""
        return {"mark": self.session.mark(draft.pk)}


def before_fields(saved: Any, names: Iterable[str]) -> list[tuple[str, str]]:
    """The hidden fields with which a form says what it showed when it was opened."""
    return [(f"{BEFORE}{name}", str(saved.get(name, ""))) for name in names]


def sent_texts(request: HttpRequest, names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed into these fields, and what they had shown."""
    typed = {name: request.POST.get(name, "") for name in names}
    return typed, {name: request.POST.get(f"{BEFORE}{name}", "") for name in typed}
