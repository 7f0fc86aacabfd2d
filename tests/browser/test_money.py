"""The money as a browser shows it: pages with every kind of row, and the running balance when somebody allocates."""

import re
from decimal import Decimal

import pytest

from tests.support.browser import (
    CUT_OFF,
    MOST_BYTES,
    faults,
    forget_files,
    in_sitemap,
    some_of_each_kind,
    visit,
    visitor,
    weights,
)
from tests.support.processes.portal_process import free_port, portal, run
from vru_portal.ledger.money import format_pounds


@pytest.fixture(scope="module")
def demo(tmp_path_factory, template):
    """A demonstration: a year's allocations, payments, exceptions and corrections."""
    folder, port = tmp_path_factory.mktemp("money") / "var", free_port()
    template.put(folder / "demo")
    template.put_static_files(folder / "demo")
    with portal(folder, PORT=port, DEMO=1, WORKERS=1, GRANTS_PREFIX="360G-example") as served:
        served.wait_until_ready()
        yield served


@pytest.fixture
def page(chromium, demo):
    found = visitor(chromium, demo)
    yield found
    found.context.close()


@pytest.fixture
def money(page, demo):
    """Every kind of page on which there is money, and the states that a visitor can bring one into."""
    year = demo.get("/funding/2019-20/")[1]
    kinds = [re.search(rf'href="({path})"', year) for path in (r"/funding/allocations/\w+/", r"/initiatives/[\w-]+/")]
    return [
        "/funding/2019-20/",
        "/funding/2019-20/?as_at=2019-12-01&basis=known",
        "/funding/2019-20/?as_at=2010-01-01",
        "/funding/2019-20/?as_at=never&level=none",
        "/funding/2019-20/payments/",
        "/funding/2019-20/payments/?duty=items&exceptions=1",
        "/payments/?sort=largest",
        "/payments/totals/",
        "/payments/totals/?by=month",
        *(found[1] for found in kinds if found),
    ]


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(page, money):
    assert len(money) == 11
    complaints = []
    # that a day is none is a warning: the field says so itself
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    found = {}
    for address in money:
        visit(page, address)
        if wrong := faults(page, 1280, 320):
            found[address] = wrong
    assert (found, complaints) == ({}, [])


def test_no_kind_of_page_of_a_demonstration_weighs_more_than_100_kilobytes(page, demo, money, record_property):
    forget_files(page)
    totals = {}
    for address in {*some_of_each_kind(in_sitemap(demo), 1), *money}:
        visit(page, address)
        totals[address] = sum(weights(page).values())
    heaviest = max(totals, key=lambda address: totals[address])
    record_property("measured", f"{len(totals)} pages, the heaviest {heaviest} with {totals[heaviest]:,} bytes")
    assert len(totals) > 30
    assert {address: total for address, total in totals.items() if total > MOST_BYTES} == {}


def test_the_home_page_of_a_demonstration_is_short_on_a_small_phone(page):
    page.set_viewport_size({"width": 320, "height": 640})
    visit(page, "/")
    assert page.evaluate("document.documentElement.scrollHeight") <= 4_500


def test_a_table_wider_than_a_phone_shows_that_it_continues(page):
    page.set_viewport_size({"width": 320, "height": 900})
    visit(page, "/funding/2019-20/")
    table = page.get_by_role("region", name="Money in, 2019-20")
    assert table.evaluate("e => e.scrollWidth > e.clientWidth + 100")
    assert table.get_by_text("scroll this table sideways").is_visible()
    assert page.evaluate(CUT_OFF) == []
    table.evaluate("e => e.style.background = 'none'")  # the control: without the shade it looks complete
    assert len(page.evaluate(CUT_OFF)) == 1


def test_nothing_is_squeezed_on_a_phone(page):
    """Things that belong to different parts of a page stand apart, and a sentence in a table has room."""
    page.set_viewport_size({"width": 320, "height": 900})
    visit(page, "/payments/")
    gap = "e => e.getBoundingClientRect().top - e.parentElement.previousElementSibling.getBoundingClientRect().bottom"
    assert page.get_by_role("link", name="Change filters").evaluate(gap) >= 12
    visit(page, "/funding/2019-20/")
    conditions = page.get_by_role("region", name="Conditions of the sources, 2019-20").get_by_role("rowheader")
    assert conditions.first.bounding_box()["width"] >= 150
    visit(page, "/initiatives/mentors-in-violence-prevention/")
    below = "(e, i, all) => e.getBoundingClientRect().top - all[i - 1]?.getBoundingClientRect().bottom"
    gaps = page.locator("#results section").evaluate_all(f"all => all.map({below}).slice(1)")
    assert len(gaps) >= 2
    assert min(gaps) >= 20


def test_the_balance_is_shown_while_an_allocation_is_typed(page, demo):
    officer = "from django.contrib.auth import get_user_model as users; users().objects.create_superuser('x', '', 'y')"
    made = run(demo.folder, "shell", "-v0", "-c", officer, DEMO=1)
    assert made.returncode == 0, made.stderr
    page.goto("/admin/login/?next=/admin/funding/allocation/add/")
    page.fill("#id_login", "x")
    page.fill("#id_password", "y")
    page.click("[type=submit]")
    balance = page.locator(".portal-balance")
    assert balance.text_content() == "Choose a source to see what is left of it."
    page.select_option("#id_funding_source", index=1)
    pence = int(page.locator("#id_funding_source option:checked").get_attribute("data-left"))
    left = format_pounds(Decimal(pence) / 100)
    assert balance.text_content() == f"{left} is left of this source."
    page.fill("#id_amount", "0.01")
    after = format_pounds(Decimal(pence - 1) / 100)
    assert balance.text_content() == f"{left} is left. After this allocation: {after}."
    page.fill("#id_amount", str(Decimal(pence + 1) / 100))
    assert balance.text_content() == f"£0.01 more than is left: {left} can be allocated."
