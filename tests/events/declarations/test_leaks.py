"""Personal data never leaks. Every personal field, link and reason holds a canary value: each is found nowhere else."""

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

from events.declarations import schedule, tokens
from events.declarations.choices import SigningLinkPurpose
from events.declarations.models import Declaration, Entry, Invitation, Mail, SigningRequest, Token
from events.declarations.rules import availability, corrections, erasure, invitations, requests, signing
from tests.support.crawler import Elements, crawl
from tests.support.factories import LevelFactory, UnitFactory
from tests.support.personal import (
    CANARIES,
    everything_stored,
    make_declined_invitation,
    make_paper_signature,
    make_prepared_invitation,
    make_signed_entry,
)
from tests.support.signing import invite, new_link, open_signing, sign, signatory
from vru_portal.links.models import Delivery
from vru_portal.links.secrets import secret_hash

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(db):
    UnitFactory()
    LevelFactory()
    return open_signing()


@pytest.fixture
def secrets(monkeypatch):
    """The secrets of all links that are made after this."""
    made, issue_secret = [], tokens.issue_secret

    def keep(**arguments):
        made.append(issue_secret(**arguments))
        return made[-1]

    monkeypatch.setattr(tokens, "issue_secret", keep)
    return made


@pytest.fixture(autouse=True)
def connection_kept(monkeypatch):
    """The worker would drop the connection whose transaction is this test's."""
    monkeypatch.setattr(db_worker, "close_old_connections", lambda: None)


def run_queued_tasks():
    """Run the tasks in the queue, as the worker does."""
    db_worker.Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id="one", excluded_queue_names=[],
    ).run()  # fmt: skip


def leaked(text, *secrets):
    return {name for name, value in CANARIES.items() if value in text} | {s for s in secrets if s in text}


# What the public can reach --------------------------------------------------------------------------------------------


def test_no_public_page_or_file_names_anybody_who_did_not_agree(client):
    for make in (make_signed_entry, make_prepared_invitation, make_declined_invitation, make_paper_signature):
        make()
    again = make_signed_entry("A body that withdraws")
    corrections.withdraw_signature(secret=new_link(again.invitation, SigningLinkPurpose.WITHDRAW))
    erased = make_signed_entry("A body that is forgotten")
    erasure.erase_personal_data(entry=erased)
    named = sign(
        invite("A body with a face"), name="Agreeable Person", role="Chair of the Lanterns", name_is_public=True
    )
    # the name on paper is public, as its signatory agreed: everything else must be found nowhere
    agreed = {CANARIES["paper name"], CANARIES["paper role"], "Agreeable Person", "Chair of the Lanterns"}

    more = [reverse(f"declarations:{name}") for name in ("register_json", "register_csv", "checkpoint", "ask")]
    more += [reverse("declarations:consistency") + "?old=1&new=2"]
    for entry in Entry.objects.all():
        more += [reverse("declarations:entry", args=[entry.pk]), reverse("declarations:entry_json", args=[entry.pk])]
    answers = crawl(client, *more)
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
    entry, invitation, paper = make_signed_entry(), make_declined_invitation(), make_paper_signature()
    for model, pk in (("entry", entry.pk), ("invitation", invitation.pk), ("papersignature", paper.pk)):
        for name, arguments in (("changelist", []), ("change", [pk])):
            response = client.get(reverse(f"admin:declarations_{model}_{name}", args=arguments))
            assert response.status_code == 302
            assert leaked(response.content.decode()) == set()


# Logs, tasks, files ---------------------------------------------------------------------------------------------------


class SigningVisitor:
    """Somebody who goes through the signing pages with a browser. Keeps every page they saw."""

    def __init__(self, client):
        self.client, self.pages = client, []

    def see(self, response):
        self.pages.append(response)
        return response

    def get(self, name, *arguments):
        return self.see(self.client.get(reverse(f"declarations:{name}", args=arguments)))

    def post(self, view, /, **answers):
        page = self.client.get(reverse(f"declarations:{view}"))
        hidden = dict(
            re.findall(r'<input type="hidden" name="(invitation_mark|checked|text_sha256)" value="([^"]*)"', page.text)
        )
        return self.see(self.client.post(reverse(f"declarations:{view}"), hidden | answers))

    def follow(self, kind):
        """Open the link of the newest mail of a kind."""
        run_queued_tasks()
        found = [re.search(r"/declaration/sign/([\w-]{20,})/", str(sent.body)) for sent in outbox.outbox]
        self.get("open", [match[1] for match in found if match][-1])


def go_through_all_signing_pages(client):
    """Ask, be invited, pass on, confirm, sign, see the receipt, ask to withdraw, withdraw; decline for another."""
    visitor = SigningVisitor(client)
    visitor.post(
        "ask", name="A body", contact_name=CANARIES["contact"], email=CANARIES["mailbox"], message=CANARIES["message"]
    )
    requests.approve_request(by=None, request=SigningRequest.objects.get())
    visitor.follow("invitation")
    visitor.get("read")
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
    assert visitor.post("details", **details).status_code == 303
    visitor.get("passed_on")
    visitor.follow("confirm")
    visitor.get("read")
    mine = details | {"name_is_public": "no", "authorised": "on"}
    assert visitor.post("details", **mine).status_code == 303
    assert visitor.post("check").status_code == 303
    assert Entry.objects.count() == 1
    run_queued_tasks()
    visitor.get("receipt")
    assert visitor.post("receipt", form="withdraw", confirmed="on").status_code == 303
    visitor.follow("withdraw")
    assert visitor.post("withdraw", confirmed="on").status_code == 303
    assert Entry.objects.count() == 2
    invite("Another body", CANARIES["mailbox"], contact_name=CANARIES["contact"])
    visitor.follow("invitation")
    assert visitor.post("decline", reason=CANARIES["reason"]).status_code == 303
    assert Invitation.objects.get(body__name="Another body").declined_because == CANARIES["reason"]
    return visitor


def test_going_through_all_signing_pages_leaves_nothing_in_logs_tasks_files_or_addresses(
    client, log, secrets, settings
):
    visitor = go_through_all_signing_pages(client)
    for secret in [*secrets, "x" * 43]:  # what people and mail programs make of a link
        for spoilt in (
            f"/declaration/sign/{secret}",
            f"/declaration/sign/{secret}/.",
            f"/declaration/sign/{secret}/%00",
        ):
            client.get(spoilt)
            client.post(spoilt)
    assert len(secrets) >= 6
    assert "Not Found: /declaration/sign/***" in log.text  # the control: these were logged

    assert leaked(log.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()
    assert DBTaskResult.objects.count() >= 5
    files = [path for path in settings.REGISTER_KEYS.rglob("*") if path.is_file()]
    assert leaked("".join(path.read_text() for path in files), *secrets) == set()
    assert len(files) >= 1

    assert [s for s in secrets if s in everything_stored()] == []
    assert {secret_hash(secret) for secret in secrets} >= set(Token.objects.values_list("sha256", flat=True))
    for page in visitor.pages:
        assert [s for s in secrets if s in page.text] == [], page.request["PATH_INFO"]
        assert [s for s in secrets if s in page.headers.get("Location", "")] == []
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store", page.request["PATH_INFO"]
        assert page.headers["X-Robots-Tag"] == "noindex"
    for page in visitor.pages:
        links = [a.get("href") or "" for tag, a in Elements(page.text).elements if tag == "a"]
        assert leaked(" ".join(links)) == set(), "an address of a page names somebody"
    reasons = [page for page in visitor.pages if CANARIES["reason"] in page.text]
    assert reasons == []


class Refusing:
    """A mail server that refuses, and quotes the recipient."""

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
def test_a_mail_that_fails_names_nobody_in_logs_or_tasks(log, secrets, settings, monkeypatch, error):
    monkeypatch.setattr(Refusing, "error", staticmethod(error), raising=False)
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    invitations.invite(by=None, organisation="A body", email=CANARIES["email"], contact_name=CANARIES["contact"])
    run_queued_tasks()
    mail = Mail.objects.get()
    assert mail.delivery in (Delivery.WAITING, Delivery.REFUSED)
    assert CANARIES["email"] in mail.error  # staff see it, and it goes with the invitation
    assert leaked(log.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()
    erasure.forget_mailbox(by=None, email=CANARIES["email"])
    assert leaked(everything_stored(), *secrets) == set()


def test_a_fault_of_the_worker_names_nobody(log, secrets, monkeypatch):
    """Even one that is no fault of mail: what a task raises is kept in its row."""
    invitations.invite(by=None, organisation="A body", email=CANARIES["email"], contact_name=CANARIES["contact"])

    def fail(mail):
        raise RuntimeError(f"A fault while writing to {mail.to}")

    monkeypatch.setattr("events.declarations.mails.build_message", fail)
    run_queued_tasks()
    assert leaked(log.text, *secrets) == set()
    assert leaked(repr(list(DBTaskResult.objects.values())), *secrets) == set()


# Paused ---------------------------------------------------------------------------------------------------------------


def test_while_signing_is_paused_the_signing_pages_say_why_and_the_register_stays_up(client):
    entry, invited = make_signed_entry("Signed before"), invite("Still open")
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
    with pytest.raises(availability.SigningClosed, match="Friday"):
        signing.prepare_signature(secret=invited.secret, signatory=signatory(name="A", role="B"))
    for name in ("declaration", "register", "register_json", "register_csv", "checkpoint"):
        assert client.get(reverse(f"declarations:{name}")).status_code == 200, name
    assert client.get(reverse("declarations:entry", args=[entry.pk])).status_code == 200
    client.get(reverse("declarations:open", args=[new_link(entry.invitation, SigningLinkPurpose.RECEIPT)]))
    assert client.get(reverse("declarations:receipt")).status_code == 200  # who has signed can still see it

    Declaration.objects.update(paused_because="")
    client.get(reverse("declarations:open", args=[invited.secret]))
    assert client.get(reverse("declarations:read")).status_code == 200


def test_nobody_is_reminded_while_signing_is_paused(time_machine):
    invitation = invite().invitation
    Invitation.objects.filter(pk=invitation.pk).update(state="sent", sent_at=timezone.now() - timedelta(days=15))
    Declaration.objects.update(paused_because="A pause.")
    assert schedule.queue_reminders() == 0
    Declaration.objects.update(paused_because="")
    assert schedule.queue_reminders() == 1
