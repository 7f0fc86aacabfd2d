"""The signing pages as a browser without JavaScript uses them: addresses, forms and what a page says."""

import re
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.crawler import Elements
from tests.support.races.signatories import ANSWERS

READ, DETAILS, CHECK = "/declaration/sign/", "/declaration/sign/details/", "/declaration/sign/check/"
RECEIPT, WITHDRAW, PASSED_ON = (
    "/declaration/sign/receipt/",
    "/declaration/sign/withdraw/",
    "/declaration/sign/passed-on/",
)
DECLINE, DECIDE, ASK = "/declaration/sign/decline/", "/declaration/sign/decide/", "/declaration/ask/"
VALID_NAMES = (  # the second and the last are written from right to left
    "x" * 120,
    "\u0645\u062d\u0645\u062f \u0635\u0627\u0644\u062d",
    "Zoe\u0308 O\u2019Neill-\u00c5ngstr\u00f6m",
    "\u5c71\u7530 \u592a\u90ce",
    "<b>Sam</b> {{ 7 }}",
    "\u0646\u0627\u0632\u0646\u06cc\u0646\u200c\u0632\u0647\u0631\u0627",
)
ANSWERS_FOR_ANOTHER = ANSWERS | {
    "who": "another",
    "prepared_by": "Jo Assistant",
    "email": "chair@body.example",
    "authorised": "",
    "name_is_public": "yes",  # sent along by a browser that hides it
}


def open_link(client, secret):
    """Open a mailed link; return the page to which it leads."""
    answer = client.get(f"/declaration/sign/{secret}/", follow=True)
    return assert_private(answer)


def assert_private(answer):
    """Return an answer that nobody may store or index."""
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Referrer-Policy"] == "same-origin"
    return answer


def send_form(client, address, **answers):
    """Send a form as a browser would: with the hidden fields of its page."""
    page = assert_private(client.get(address))
    assert page.status_code == 200, page
    return assert_private(client.post(address, hidden_fields(page) | answers))


def hidden_fields(page):
    """Return the hidden fields of a page's last form."""
    found: dict[str | None, Any] = {}
    for tag, attributes in Elements(page.text).elements:
        if tag == "form":
            found = {}
        elif tag == "input" and attributes.get("type") == "hidden":
            found[attributes["name"]] = attributes["value"]
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def go_to_check(client, secret, **answers):
    """Come as far as the last page before signing; return it."""
    open_link(client, secret)
    answer = send_form(client, DETAILS, **ANSWERS | answers)
    assert (answer.status_code, answer["Location"]) == (303, CHECK), form_errors(answer)
    return assert_private(client.get(CHECK))


def form_errors(answer):
    return answer.context["form"].errors if answer.context else answer


def assert_says(answer, *words):
    text = Elements(answer.text).text
    for word in words:
        assert word in text, f"{word!r} not in {text}"
    return answer


@contextmanager
def assert_nothing_written():
    with CaptureQueriesContext(connection) as queries:
        yield
    written = [q["sql"] for q in queries if re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE)", q["sql"], re.IGNORECASE)]
    assert written == []
