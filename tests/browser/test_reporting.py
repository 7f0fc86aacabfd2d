"""The pages behind the links of returns and of onward grants: by keyboard on a small phone without JavaScript."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import BEYOND, faults, phone, press, tab_to, visitor
from tests.support.processes.databases import Template, run_python_for_json
from tests.support.processes.portal_process import Portal, free_port, portal

ASK = """
import json, django
django.setup()
from datetime import date
from programmes.results.quarters import Quarter
from tests.funding.regranting import requests as onward
from tests.programmes.results import returns
from programmes.models import PreventionLevel
from tests.support.factories import AllocationFactory, InitiativeFactory, RegrantingFactory
walks = InitiativeFactory(name="Moor walks", level=PreventionLevel.objects.first())
counted = returns.count_people("Under 18", "18 or over", "Not known")
quarter = Quarter.of(date.today()).previous.starts_on
def links():
    asked = returns.ask(*counted, quarter=quarter, initiative=walks)
    listed = onward.ask(RegrantingFactory(allocation=AllocationFactory(initiative=walks)).allocation)
    return {"return": f"/results/return/{asked.secret}/", "onward": f"/onward-grants/report/{listed.secret}/"}
print(json.dumps([links() for _ in range(2)]))
"""
LONG = "Gemeindeverwaltungsrechtsgrundlagen " * 3
OTHER = {"name": "Robin Reporter", "confirm_name": "Sam Second", "confirm_email": "sam@reporter.example"}


@pytest.fixture(scope="module")
def reporting(tmp_path_factory: pytest.TempPathFactory, template: Template) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("reporting") / "var"
    template.put_unit(folder)
    with portal(folder, PORT=free_port(), WORKERS=1) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture(scope="module")
def links(reporting: Portal) -> list[dict[str, str]]:
    """The addresses of two links of each kind: for the keyboard, and for what looks at every page."""
    found: list[dict[str, str]] = run_python_for_json(
        {"VAR_DIR": str(reporting.folder), "PORT": str(reporting.port)}, "-c", ASK
    )
    return found


def type_into(page: Page, **texts: str) -> None:
    for name, text in texts.items():
        tab_to(page, f'[name="{name}"]')
        page.keyboard.type(text)


def test_figures_are_reported_by_keyboard_on_a_small_phone(chromium: Browser, reporting: Portal, links) -> None:
    page = phone(chromium, reporting)
    page.goto(links[0]["return"])
    assert page.url.endswith("/results/return/")  # the secret is gone from the address
    assert page.evaluate(BEYOND) == []
    press(page, "main a.govuk-button", "Walkers")
    total, *groups = [box.get_attribute("name") or "" for box in page.locator("form input[type=text]").all()]
    type_into(page, **{total: "20", groups[0]: "many"})
    press(page, "form .govuk-button", "Error: Walkers")
    tab_to(page, f'a[href="#id_{groups[0]}"]')
    page.keyboard.press("Enter")
    assert page.locator(f"#id_{groups[0]}:focus").count() == 1  # an error leads to its field
    page.keyboard.press("Control+A")
    page.keyboard.type("12")
    type_into(page, **{groups[1]: "8", groups[2]: "0"})
    press(page, "form .govuk-button", "What went well")
    type_into(page, went_well=LONG, spend="1,234.50")
    press(page, "form .govuk-button", "Check and send")
    assert "£1,234.50" in page.locator("main").inner_text()
    type_into(page, name="Robin Reporter")
    press(page, "form .govuk-button", "Figures sent")
    page.context.close()


def test_grants_are_reported_by_keyboard_on_a_small_phone(chromium: Browser, reporting: Portal, links) -> None:
    page = phone(chromium, reporting)
    page.goto(links[0]["onward"])
    assert page.url.endswith("/onward-grants/report/")
    assert page.evaluate(BEYOND) == []
    press(page, 'main a[href$="/grants/new/"]', "Add a grant")
    type_into(page, recipient=LONG, amount="lots", awarded_on=f"1 May {datetime.now(UTC).year - 1}")
    press(page, '[name="then"][value="another"]', "Error: Add a grant")
    tab_to(page, 'a[href="#id_amount"]')
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("60.50")
    press(page, '[name="then"][value="list"]', "Report grants that you have made")
    press(page, 'main a[href$="/check/"]', "Check and send")
    assert "£60.50" in page.locator("main").inner_text()
    type_into(page, name="Kim Grants")
    press(page, "form .govuk-button", "List sent")
    page.context.close()


# Every page, as axe and two screens see it ----------------------------------------------------------------------------


class Looked:
    """A visitor who looks at every page that opens, on a phone and on a wide screen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: dict[str, list[object]] = {}

    def look(self, name: str, title: str) -> None:
        expect(self.page).to_have_title(re.compile(f"^{re.escape(title)}"))
        self.seen[name] = faults(self.page, 1280, 320, contrast=False)
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def send(self, name: str, title: str, button: str = ".govuk-button:not(.govuk-button--quiet)") -> None:
        self.page.locator(f"main form {button}").first.click()
        self.look(name, title)

    @property
    def faults(self) -> dict[str, list[object]]:
        return {name: found for name, found in self.seen.items() if found}


@pytest.fixture
def looked(chromium: Browser, reporting: Portal) -> Iterator[Looked]:
    page = visitor(chromium, reporting)
    yield Looked(page)
    page.context.close()


def pass_on(looked: Looked) -> None:
    page = looked.page
    page.locator("input[value=another] + label").click()
    for name, text in OTHER.items():
        page.locator(f"[name={name}]").fill(text)
    looked.send("passed on", "Passed on")


def test_axe_finds_nothing_on_any_page_of_a_return_and_none_is_too_wide(looked: Looked, links) -> None:
    page = looked.page
    page.goto("/results/return/")
    looked.look("no link", "This link does not work")
    page.goto(links[1]["return"])
    looked.look("start", "Report figures")
    page.locator("main a.govuk-button").click()
    looked.look("figure", "Walkers")
    boxes = page.locator("form input[type=text]")
    boxes.first.fill("20")
    boxes.nth(1).fill("many")
    looked.send("figure with errors", "Error: Walkers")
    page.goto("/results/return/check/")
    looked.look("check with problems", "Check and send")
    page.goto("/results/return/figures/walkers/?check")
    for place, text in enumerate(("12", "8", "0"), 1):
        boxes.nth(place).fill(text)
    looked.send("check with no problems", "Check and send")
    page.goto("/results/return/words/")
    looked.look("words", "What went well")
    page.locator("[name=went_well]").fill(LONG)
    looked.send("check", "Check and send")
    looked.send("check with errors", "Error: Check and send")
    pass_on(looked)
    assert len(looked.seen) == 10
    assert looked.faults == {}


def test_axe_finds_nothing_on_any_page_of_onward_grants_and_none_is_too_wide(looked: Looked, links) -> None:
    page = looked.page
    page.goto("/onward-grants/report/")
    looked.look("no link", "This link does not work")
    page.goto(links[1]["onward"])
    looked.look("start", "Report grants that you have made")
    page.goto("/onward-grants/report/grants/new/")
    looked.look("new grant", "Add a grant")
    page.locator("[name=recipient]").fill(LONG)
    looked.send("grant with errors", "Error: Add a grant")
    page.goto("/onward-grants/report/")
    looked.look("list with problems", "Report grants that you have made")
    page.locator('main a[href$="/remove/"]').click()
    looked.look("remove", "Remove a grant")
    page.goto("/onward-grants/report/file/")
    looked.look("file", "Upload a file of grants")
    looked.send("file with errors", "Error: Upload a file of grants")
    page.goto("/onward-grants/report/check/")
    looked.look("check with problems", "Check and send")
    page.goto("/onward-grants/report/")
    page.locator("main .rows a", has_text="Change").click()
    page.locator("[name=amount]").fill("60.50")
    page.locator("[name=awarded_on]").fill(f"1 May {datetime.now(UTC).year - 1}")
    looked.send("list", "Report grants that you have made")
    page.goto("/onward-grants/report/check/")
    looked.look("check", "Check and send")
    pass_on(looked)
    assert len(looked.seen) == 12
    assert looked.faults == {}


def test_the_control_a_page_that_is_too_wide_is_found(looked: Looked, links) -> None:
    looked.page.goto(links[1]["return"])
    looked.page.evaluate("document.querySelector('main').style.width = '2000px'")
    looked.look("start", "")
    assert looked.faults
