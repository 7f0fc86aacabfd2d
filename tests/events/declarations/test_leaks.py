"""A canary in every personal field, every link and every reason: found nowhere that it must not be."""

import logging
import re
import smtplib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from events.declarations import chores, rules, tokens
from events.declarations.choices import Delivery, Purpose
from events.declarations.models import Declaration, Entry, Invitation, Mail, SigningRequest, Token
from tests.events.declarations.personal import CANARIES, declined, everything, on_paper, prepared, signed
from tests.factories import LevelFactory, UnitFactory
from tests.signing import invite, link, open_signing, sign
from tests.walk import Elements, walk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(db):
    UnitFactory()
    LevelFactory()
    return open_signing()


@pytest.fixture
def secrets(monkeypatch):
    """Every link's secret that is made from now on."""
    made, mint = [], tokens.mint

    def keep(**arguments):
        made.append(mint(**arguments))
        return made[-1]

    monkeypatch.setattr(tokens, "mint", keep)
    return made


@pytest.fixture(autouse=True)
def connection_kept(monkeypatch):
    """The worker would drop the connection whose transaction is this test's."""
    monkeypatch.setattr(db_worker, "close_old_connections", lambda: None)


def work():
    """Do what waits in the queue, as the worker does."""
    db_worker.Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id="one", excluded_queue_names=[],
    ).run()  # fmt: skip


def leaked(text, *secrets):
    return {name for name, value in CANARIES.items() if value in text} | {s for s in secrets if s in text}


# What the public can reach --------------------------------------------------------------------------------------------


def test_no_public_page_or_file_names_anybody_who_did_not_agree(client):
    for make in (signed, prepared, declined, on_paper):
        make()
    again = signed("A body that withdraws")
    rules.withdraw(secret=link(again.invitation, Purpose.WITHDRAW))
    erased = signed("A body that is forgotten")
    rules.erase(entry=erased)
    named = sign(
        invite("A body with a face"), name="Agreeable Person", role="Chair of the Lanterns", name_is_public=True
    )
    # the paper's name is public, since whoever signed it agreed: everything else must be found nowhere
    agreed = {CANARIES["paper name"], CANARIES["paper role"], "Agreeable Person", "Chair of the Lanterns"}

    more = [reverse(f"declarations:{name}") for name in ("register_json", "register_csv", "checkpoint", "ask")]
    more += [reverse("declarations:consistency") + "?old=1&new=2"]
    for entry in Entry.objects.all():
        more += [reverse("declarations:entry", args=[entry.pk]), reverse("declarations:entry_json", args=[entry.pk])]
    answers = walk(client, *more)
    assert {*more} <= set(answers)
    texts = {address: answer.content.decode(errors="replace") for address, answer in answers.items()}

    hidden = set(CANARIES.values()) - agreed
    assert [(address, value) for address, text in texts.items() for value in hidden if value in text] == []
    assert not any("@marchetti" in text or "@vexley" in text or "post@body.example" in text for text in texts.values())
    # the control: who agreed is found, so the search would have found the others
    for name in ("register", "register_json", "register_csv"):
        assert "Agreeable Person" in texts[reverse(f"declarations:{name}")], name
    for name in ("entry", "entry_json"):
        assert "Agreeable Person" in texts[reverse(f"declarations:{name}", args=[named.pk])], name


def test_staffs_pages_are_closed_to_the_public(client):
    entry, invitation, paper = signed(), declined(), on_paper()
    for model, pk in (("entry", entry.pk), ("invitation", invitation.pk), ("papersignature", paper.pk)):
        for name, arguments in (("changelist", []), ("change", [pk])):
            response = client.get(reverse(f"admin:declarations_{model}_{name}", args=arguments))
            assert response.status_code == 302
            assert leaked(response.content.decode()) == set()


# Logs, tasks, files ---------------------------------------------------------------------------------------------------


class Journey:
    """Somebody who goes through all of it with a browser."""

    def __init__(self, client):
        self.client, self.pages = client, []

    def see(self, response):
        self.pages.append(response)
        return response

    def get(self, name, *arguments):
        return self.see(self.client.get(reverse(f"declarations:{name}", args=arguments)))

    def post(self, view, /, **answers):
        page = self.client.get(reverse(f"declarations:{view}"))
        hidden = dict(re.findall(r'<input type="hidden" name="(of|checked|text_sha256)" value="([^"]*)"', page.text))
        return self.see(self.client.post(reverse(f"declarations:{view}"), hidden | answers))

    def follow(self, kind):
        """Open the link of the newest mail of a kind."""
        work()
        found = [re.search(r"/declaration/sign/([\w-]{20,})/", str(sent.body)) for sent in outbox.outbox]
        self.get("open", [match[1] for match in found if match][-1])


def whole_journey(client):
    """Ask, be invited, pass on, confirm, sign, see the receipt, ask to withdraw, withdraw; decline for another."""
    journey = Journey(client)
    journey.post(
        "ask", name="A body", contact_name=CANARIES["contact"], email=CANARIES["mailbox"], message=CANARIES["message"]
    )
    rules.approve(by=None, request=SigningRequest.objects.get())
    journey.follow("invitation")
    journey.get("read")
    details = {
        "who": "another",
        "prepared_by": CANARIES["assistant"],
        "name": CANARIES["name"],
        "role": CANARIES["role"],
        "email": CANARIES["email"],
        "authority": "delegated",
        "authority_reference": CANARIES["reference"],
        "authority_date": "2019-10-02",
    }
    assert journey.post("details", **details).status_code == 303
    journey.get("passed_on")
    journey.follow("confirm")
    journey.get("read")
    mine = details | {"name_is_public": "no", "authorised": "on"}
    assert journey.post("details", **mine).status_code == 303
    assert journey.post("check").status_code == 303
    assert Entry.objects.count() == 1
    work()
    journey.get("receipt")
    assert journey.post("receipt", what="withdraw", sure="on").status_code == 303
    journey.follow("withdraw")
    assert journey.post("withdraw", sure="on").status_code == 303
    assert Entry.objects.count() == 2
    invite("Another body", CANARIES["mailbox"], contact_name=CANARIES["contact"])
    journey.follow("invitation")
    assert journey.post("decline", because=CANARIES["reason"]).status_code == 303
    assert Invitation.objects.get(body__name="Another body").declined_because == CANARIES["reason"]
    return journey


def test_a_whole_journey_leaves_nothing_in_logs_tasks_files_or_addresses(client, caplog, secrets, settings):
    caplog.set_level(logging.DEBUG)
    journey = whole_journey(client)
    for secret in [*secrets, "x" * 43]:  # what people and mail programs make of a link
        for spoilt in (
            f"/declaration/sign/{secret}",
            f"/declaration/sign/{secret}/.",
            f"/declaration/sign/{secret}/%00",
        ):
            client.get(spoilt)
            client.post(spoilt)
    assert len(secrets) >= 6
    assert "Not Found: /declaration/sign/…" in caplog.text  # the control: these were logged

    assert leaked(caplog.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()
    assert DBTaskResult.objects.count() >= 5
    files = [path for path in settings.REGISTER_KEYS.rglob("*") if path.is_file()]
    assert leaked("".join(path.read_text() for path in files), *secrets) == set()
    assert len(files) >= 1

    assert [s for s in secrets if s in everything()] == []
    assert {tokens.hashed(secret) for secret in secrets} >= set(Token.objects.values_list("sha256", flat=True))
    for page in journey.pages:
        assert [s for s in secrets if s in page.text] == [], page.request["PATH_INFO"]
        assert [s for s in secrets if s in page.headers.get("Location", "")] == []
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store", page.request["PATH_INFO"]
        assert page.headers["X-Robots-Tag"] == "noindex"
    for page in journey.pages:
        links = [a.get("href") or "" for tag, a in Elements(page.text).elements if tag == "a"]
        assert leaked(" ".join(links)) == set(), "an address of a page names somebody"
    reasons = [page for page in journey.pages if CANARIES["reason"] in page.text]
    assert reasons == []


class Refusing:
    """A mail server that refuses, and repeats to whom."""

    error: Callable[[str], Exception]  # set by each test

    def __init__(self, *arguments, **options):
        pass

    def send_messages(self, messages):
        raise self.error(messages[0].to[0])


@pytest.mark.parametrize(
    "error",
    [
        lambda to: smtplib.SMTPRecipientsRefused({to: (550, f"5.1.1 <{to}> unknown".encode())}),
        lambda to: smtplib.SMTPRecipientsRefused({to: (450, f"4.2.1 <{to}> later".encode())}),
        lambda to: smtplib.SMTPDataError(554, f"spam to {to}".encode()),
        lambda to: OSError(f"cannot reach the server of {to}"),
        lambda to: ValueError(f"no address: {to}"),
    ],
)
def test_a_mail_that_fails_names_nobody_in_logs_or_tasks(caplog, secrets, settings, monkeypatch, error):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Refusing, "error", staticmethod(error), raising=False)
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    rules.invite(by=None, organisation="A body", email=CANARIES["email"], contact_name=CANARIES["contact"])
    work()
    mail = Mail.objects.get()
    assert mail.delivery in (Delivery.WAITING, Delivery.REFUSED)
    assert CANARIES["email"] in mail.error  # staff see it, and it goes with the invitation
    assert leaked(caplog.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()
    rules.forget_mailbox(by=None, email=CANARIES["email"])
    assert leaked(everything(), *secrets) == set()


def test_a_fault_of_the_worker_names_nobody(caplog, secrets, monkeypatch):
    """Even one that is no fault of mail: what a task raises is kept in its row."""
    caplog.set_level(logging.DEBUG)
    rules.invite(by=None, organisation="A body", email=CANARIES["email"], contact_name=CANARIES["contact"])

    def fail(mail):
        raise RuntimeError(f"A fault while writing to {mail.to}")

    monkeypatch.setattr("events.declarations.mails.message", fail)
    work()
    assert leaked(caplog.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()


# Paused ---------------------------------------------------------------------------------------------------------------


def test_while_signing_is_paused_the_journey_says_why_and_the_register_stays_up(client):
    entry, invited = signed("Signed before"), invite("Still open")
    because = "The wording is being checked until Friday."
    Declaration.objects.update(paused_because=because)
    client.get(reverse("declarations:open", args=[invited.secret]))
    for name in ("read", "details", "ask"):
        response = client.get(reverse(f"declarations:{name}"))
        assert response.status_code == 503, name
        assert because in Elements(response.text).text
        assert int(response.headers["Retry-After"]) > 0
        assert response.headers["Cache-Control"] == "no-store"
    assert client.post(reverse("declarations:ask"), {"name": "Another"}).status_code == 503
    with pytest.raises(rules.SigningClosed, match="Friday"):
        rules.prepare(secret=invited.secret, signatory=rules.Signatory(name="A", role="B", email=""))
    for name in ("declaration", "register", "register_json", "register_csv", "checkpoint"):
        assert client.get(reverse(f"declarations:{name}")).status_code == 200, name
    assert client.get(reverse("declarations:entry", args=[entry.pk])).status_code == 200
    client.get(reverse("declarations:open", args=[link(entry.invitation, Purpose.RECEIPT)]))
    assert client.get(reverse("declarations:receipt")).status_code == 200  # who has signed can still see it

    Declaration.objects.update(paused_because="")
    client.get(reverse("declarations:open", args=[invited.secret]))
    assert client.get(reverse("declarations:read")).status_code == 200


def test_nobody_is_reminded_while_signing_is_paused(time_machine):
    invitation = invite().invitation
    Invitation.objects.filter(pk=invitation.pk).update(state="sent", sent_at=timezone.now() - timedelta(days=15))
    Declaration.objects.update(paused_because="A pause.")
    assert chores.remind() == 0
    Declaration.objects.update(paused_because="")
    assert chores.remind() == 1
