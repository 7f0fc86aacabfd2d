"""Signing in a browser: by keyboard on a small phone without JavaScript, and as a mail scanner does it."""

import email
import email.policy
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import faults, phone, press, tab_to, violations, visitor
from tests.support.processes.databases import Template, run_python_for_json
from tests.support.processes.portal_process import Portal, free_port, portal

MAIL_TIMEOUT_SECONDS = 300  # long enough for a busy machine
PRELUDE = """
import json, django
django.setup()
from datetime import timedelta
from django.utils import timezone
from events.declarations.rules import availability, signing, versions
from events.declarations.choices import SigningLinkPurpose
from events.declarations.models import Declaration, DeclarationVersion, Entry, Invitation, Mail, Preparation
from partners.models import LegalNotice
from tests.support.signing import NOTICE, invite, new_link, sign, signatory
"""
OPEN = """
LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
versions.publish_version(by=None, version=DeclarationVersion.objects.get())
print(json.dumps(None))
"""


def do(served: Portal, code: str):
    """Run code on the portal's database; return what it prints as JSON."""
    return run_python_for_json({"VAR_DIR": str(served.folder), "PORT": str(served.port)}, "-c", PRELUDE + code)


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory, template: Template) -> Iterator[Portal]:
    """A portal with the launch content, at which signing is open."""
    folder = tmp_path_factory.mktemp("signing") / "var"
    template.put_unit(folder)
    with portal(folder, PORT=free_port(), WORKERS=1) as served:
        served.wait_until_ready()
        do(served, OPEN)
        yield served


def mailed_link(served: Portal, to: str, number: int = 0) -> str:
    """Wait for an email to this address, and return the signing link in it."""
    until = time.monotonic() + MAIL_TIMEOUT_SECONDS
    while time.monotonic() < until:
        links = []
        for path in sorted((served.folder / "mail").glob("*"), key=lambda path: path.stat().st_mtime):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = mail.get_body(("plain",))
            if mail["To"] == to and body and (found := re.search(r"http\S+/declaration/sign/\S+/", body.get_content())):
                links.append(found[0])
        if len(links) > number:
            return links[number]
        time.sleep(0.2)
    raise AssertionError(f"No email to {to} has arrived.")


def test_by_keyboard_on_a_small_phone_without_javascript_from_the_mail_to_the_receipt(chromium, signing):
    do(signing, "invite('Keyboard Trust', 'keys@trust.example'); print(json.dumps(None))")
    page = phone(chromium, signing)
    page.goto(mailed_link(signing, "keys@trust.example"))
    assert page.url.endswith("/declaration/sign/")  # the secret is gone from the address
    press(page, "a.govuk-button", "Your details")
    press(page, "form .govuk-button", "Error: Your details")
    tab_to(page, 'a[href="#id_name"]')
    page.keyboard.press("Enter")
    assert page.locator("#id_name:focus").count() == 1  # an error leads to its field
    page.keyboard.type("Kim Keyboard")
    tab_to(page, "#id_role")
    page.keyboard.type("Chair of trustees")
    tab_to(page, '[name="authority"]')
    page.keyboard.press("Space")
    tab_to(page, "#id_authorised")
    page.keyboard.press("Space")
    press(page, "form .govuk-button", "Check and sign")
    assert "Kim Keyboard" in page.locator("main").inner_text()
    press(page, "form .govuk-button", "Signed: your receipt")
    receipt = page.locator(".receipt").inner_text()
    assert "Keyboard Trust" in receipt
    page.go_back()
    assert page.title().startswith("Signed: your receipt")
    # and again from the mail, in a browser that knows nothing
    page.context.close()
    page = phone(chromium, signing)
    page.goto(mailed_link(signing, "keys@trust.example", number=1))
    assert page.locator(".receipt").inner_text() == receipt
    page.context.close()


def test_a_mail_scanner_signs_declines_withdraws_and_shows_nothing(chromium, signing):
    """It sends HEAD and GET, runs scripts, follows every link on the signing pages and presses every button."""
    links = do(
        signing,
        """
asked, begun, passed = (invite(f"Scanned {n}", f"scanned{n}@body.example") for n in (1, 2, 3))
signing.prepare_signature(secret=begun.secret, signatory=signatory())
signing.pass_on_to_signatory(secret=passed.secret, signatory=signatory(email="chair@body.example", prepared_by="Jo"))
entry = sign(invite("Scanned 4", "scanned4@body.example"), name_is_public=True)
print(json.dumps([asked.secret, begun.secret, passed.secret, new_link(passed.invitation, SigningLinkPurpose.CONFIRM),
    new_link(entry.invitation, SigningLinkPurpose.RECEIPT), new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)]))
""",
    )
    states = """
rows = Invitation.objects.filter(body__name__startswith="Scanned").order_by("pk")
states = [(i.body.name, i.state in ("declined", "signed"), str(i.decides_on), i.declined_because) for i in rows]
prepared = [(p.name, p.name_is_public, str(p.passed_on_at)) for p in Preparation.objects.order_by("pk")]
print(json.dumps([Entry.objects.count(), states, prepared, Mail.objects.exclude(kind="receipt").count()]))
"""
    before = do(signing, states)
    pressed = 0
    for secret in links:
        page = visitor(chromium, signing, axe=False)
        address = f"/declaration/sign/{secret}/"
        page.context.request.head(address)
        page.context.request.get(address)
        page.goto(address)
        to_visit, seen = [page.url], set()
        while to_visit:
            here = to_visit.pop()
            if here in seen:
                continue
            seen.add(here)
            page.goto(here)
            found = page.locator("main a").evaluate_all("all => all.map(a => a.href.split('#')[0])")
            to_visit += [url for url in found if re.search(r"/declaration/sign/[a-z-]*/?$", url)]
            for number in range(page.locator("main form button").count()):
                page.goto(here)
                page.locator("main form button").nth(number).click()
                pressed += 1
        page.context.close()
    assert pressed >= 15
    assert do(signing, states) == before


def test_axe_finds_nothing_in_any_state_of_the_signing_pages(chromium, signing):
    found: dict[str, object] = {}
    made = """
asked = invite("A body with a long name, the Associationofunbreakablewords", "axe@body.example")
passed = invite("Passed", "passed@body.example")
signing.pass_on_to_signatory(secret=passed.secret, signatory=signatory(email="chair@body.example", prepared_by="Jo"))
entry = sign(invite("Signed", "signed@body.example"), name="N" * 120, name_is_public=True)
print(json.dumps(dict(
    asked=asked.secret,
    passed=passed.secret,
    confirm=new_link(passed.invitation, SigningLinkPurpose.CONFIRM),
    receipt=new_link(entry.invitation, SigningLinkPurpose.RECEIPT),
    withdraw=new_link(entry.invitation, SigningLinkPurpose.WITHDRAW),
)))
"""
    new = """
old = availability.version_in_force()
version = DeclarationVersion(declaration=old.declaration, number=old.number + 1, source=old.source,
    text=f"{old.text} In version {old.number + 1} too.", source_location=old.source_location, as_at=old.as_at)
version.save()
versions.publish_version(by=None, version=version)
print(json.dumps(None))
"""
    links = do(signing, made)
    page = visitor(chromium, signing)

    def judge(state: str, title: str, page: Page = page) -> None:
        expect(page).to_have_title(re.compile(f"^{re.escape(title)}"))
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        wrong = faults(page, 1280, 320, contrast=False)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        wrong += violations(page, {"runOnly": ["color-contrast"]})  # which does not depend on the width
        if wrong:
            found[state] = wrong

    def open_(name: str, address: str = "") -> None:
        page.goto(f"/declaration/sign/{links[name]}/")
        if address:
            page.goto(f"/declaration/sign/{address}")

    def send(number: int = 0) -> None:
        page.locator("main form button").nth(number).click()

    open_("asked")
    judge("read", "Read the declaration")
    page.goto("/declaration/sign/details/")
    judge("details", "Your details")
    page.get_by_label("Somebody else").check()
    page.get_by_label("A decision").check()
    judge("details for another", "Your details")
    send()
    judge("errors for another", "Error: Your details")
    page.get_by_label("I do").check()
    send()
    judge("errors", "Error: Your details")
    page.get_by_label("Their post").check()
    page.locator("#id_name").fill("Kim")
    page.locator("#id_role").fill("Chair")
    page.locator("#id_authorised").check()
    send()
    judge("check", "Check and sign")
    do(signing, new)
    send()
    judge("the text has changed", "The text has changed")
    open_("asked", "details/?changed")
    judge("answers were changed", "Your details")
    open_("passed")
    judge("passed on", "Passed on")
    page.get_by_role("link", name="Change who signs").click()
    judge("passed on, to be changed", "Your details")
    open_("confirm")
    judge("confirm", "Read the declaration")
    page.goto("/declaration/sign/details/")
    judge("confirm details", "Your details")
    open_("asked", "decide/")
    judge("decide", "When will you decide?")
    send()
    judge("decide, errors", "Error: When will you decide?")
    page.locator("#id_day").fill(time.strftime("%Y-%m-%d"))
    send()
    judge("noted", "Date saved")
    open_("asked", "decline/")
    judge("decline", "We will not sign")
    send()
    judge("decline, errors", "Error: We will not sign")
    page.locator("#id_reason").fill("The board said no.")
    send()
    judge("declined", "Invitation declined")
    open_("receipt")
    page.locator(".proof summary").click()
    judge("receipt", "Signed: your receipt")
    send(number=1)
    judge("receipt, errors", "Error: Signed: your receipt")
    page.locator("#withdraw-confirmed").check()
    send(number=1)
    judge("receipt, withdrawal asked for", "Signed: your receipt")
    page.goto("/declaration/sign/receipt/?saved")
    judge("receipt, name saved", "Signed: your receipt")
    open_("passed")
    stale = page.context.new_page()
    stale.goto("/declaration/sign/decline/")
    open_("withdraw")
    judge("withdraw", "Withdraw the signature")
    stale.locator("main form button").click()
    judge("another link", "You opened another link", stale)
    send()
    judge("withdraw, errors", "Error: Withdraw")
    page.locator("#id_confirmed").check()
    send()
    judge("withdrawn", "Withdrawn")
    open_("receipt")
    judge("receipt of a withdrawn signature", "Your receipt")
    page.goto("/declaration/sign/nothing/")
    judge("no link", "This link does not work")
    page.goto("/declaration/ask/")
    judge("ask", "Ask to sign")
    send()
    judge("ask, errors", "Error: Ask to sign")
    assert page.evaluate("document.activeElement.className") == "govuk-error-summary"
    box = page.locator("[data-max-length]").first
    most = int(box.get_attribute("data-max-length") or 0)
    box.fill("x" * (most + 2))
    assert page.locator(".portal-count").first.text_content() == "2 characters too many"
    page.goto("/declaration/ask/?sent")
    judge("asked", "Request sent")
    page.context.close()
    do(signing, "Declaration.objects.update(paused_because='We move house.'); print(json.dumps(None))")
    page = visitor(chromium, signing)
    page.goto("/declaration/ask/")
    judge("paused", "Signing is paused", page)
    page.context.close()
    do(signing, "Declaration.objects.update(paused_because=''); print(json.dumps(None))")
    assert found == {}
