"""What holds of every page of the launch content, as a browser shows it."""

import pytest
from axe_playwright_python.sync_playwright import Axe


def violations(page, options=None):
    """Return what axe finds: rule, element, and what it says of it."""
    found = Axe().run(page, options={"resultTypes": ["violations"]} | (options or {})).response["violations"]
    return [
        (rule["id"], node["target"], node.get("failureSummary", "")[:300]) for rule in found for node in rule["nodes"]
    ]


def visit(page, address):
    """Open a page; the one that is not there is part of the portal too."""
    response = page.goto(address)
    assert response.status == (404 if "no-such-page" in address else 200), address
    return response


@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_any_page(page, addresses, width):
    page.set_viewport_size({"width": width, "height": 900})
    found = {}
    for address in addresses:
        visit(page, address)
        if faults := violations(page):
            found[address] = faults
    assert found == {}


def test_axe_finds_no_weak_contrast_on_any_kind_of_page_in_the_dark(page, kinds):
    page.emulate_media(color_scheme="dark")
    found = {}
    for address in kinds:
        visit(page, address)
        if faults := violations(page, {"runOnly": ["color-contrast", "link-in-text-block"]}):
            found[address] = faults
    assert found == {}


@pytest.mark.parametrize("width", [320, 1920])
def test_no_page_is_wider_than_the_screen_asks_another_server_or_breaks_its_own_policy(page, site, addresses, width):
    page.set_viewport_size({"width": width, "height": 900})
    wide, requested, complaints = {}, set(), []
    page.on("request", lambda request: requested.add(request.url))
    page.on("console", lambda message: complaints.append((message.type, message.text, page.url)))
    page.on("pageerror", lambda error: complaints.append(("error", str(error), page.url)))
    for address in addresses:
        visit(page, address)
        across = page.evaluate("document.documentElement.scrollWidth")
        if across > width:
            wide[address] = across
    assert wide == {}
    assert {url for url in requested if not url.startswith(site.url("/"))} == set()
    # the 404 is reported by the browser itself
    assert [c for c in complaints if "404 (Not Found)" not in c[1]] == []


def test_text_can_be_made_twice_as_large_without_scrolling_sideways(page, kinds):
    page.set_viewport_size({"width": 640, "height": 900})
    wide = {}
    for address in kinds:
        visit(page, address)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        across = page.evaluate("document.documentElement.scrollWidth")
        if across > 640:
            wide[address] = across
    assert wide == {}
