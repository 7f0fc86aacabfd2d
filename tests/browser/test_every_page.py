"""What holds of every page of the launch content, as a browser shows it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.browser import (
    BEYOND,
    COLOURED_BY_WIDTH,
    CONTRAST,
    MOST_BYTES,
    faults,
    forget_files,
    violations,
    visit,
    visitor,
    weights,
)


@dataclass
class Seen:
    """What was wrong, by address; what the pages requested; what the browser complained about."""

    faults: dict[str, Any] = field(default_factory=dict)
    weak_in_the_dark: dict[str, Any] = field(default_factory=dict)
    too_wide_when_enlarged: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    complaints: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def seen(chromium, site, addresses, kinds):
    """Every page, opened once and looked at in every way."""
    found = Seen()
    page = visitor(chromium, site)
    forget_files(page)
    page.emulate_media(reduced_motion="reduce")  # or a colour is on its way from light to dark when it is looked at
    page.on("request", lambda request: found.requested.add(request.url))
    page.on("console", lambda message: found.complaints.append((message.type, message.text, page.url)))
    page.on("pageerror", lambda error: found.complaints.append(("error", str(error), page.url)))
    for address in addresses:
        visit(page, address)
        found.weights[address] = weights(page)
        found.faults[address] = faults(page, 320, 1280, contrast=address in kinds)
        if address in kinds:
            page.emulate_media(color_scheme="dark")
            found.weak_in_the_dark[address] = violations(page, {"runOnly": [CONTRAST, "link-in-text-block"]})
            page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1920, "height": 900})
        found.faults[address] += page.evaluate(BEYOND)
        if address in kinds:
            page.set_viewport_size({"width": 640, "height": 900})
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            found.too_wide_when_enlarged[address] = page.evaluate(BEYOND)
    page.context.close()
    return found


def wrong_ones(found):
    """Return what was found, without the addresses at which there was nothing."""
    return {address: wrong for address, wrong in found.items() if wrong}


def test_axe_finds_nothing_and_no_page_is_too_wide(seen, addresses):
    assert seen.faults.keys() == set(addresses)
    assert wrong_ones(seen.faults) == {}


def test_axe_finds_no_weak_contrast_on_any_kind_of_page_in_the_dark(seen, kinds):
    assert seen.weak_in_the_dark.keys() == set(kinds)
    assert wrong_ones(seen.weak_in_the_dark) == {}


def test_text_can_be_made_twice_as_large_without_scrolling_sideways(seen, kinds):
    assert seen.too_wide_when_enlarged.keys() == set(kinds)
    assert wrong_ones(seen.too_wide_when_enlarged) == {}


def test_no_page_weighs_more_than_100_kilobytes_with_all_that_it_needs(seen, addresses, record_property):
    assert seen.weights.keys() == set(addresses)
    for address, files in seen.weights.items():
        assert files[address.partition("?")[0]] > 1_000, address
        assert [size for path, size in files.items() if path.endswith(".css") and size > 1_000], address
    totals = {address: sum(files.values()) for address, files in seen.weights.items()}
    heaviest = max(totals, key=lambda address: totals[address])
    record_property("measured", f"{len(totals)} pages, the heaviest {heaviest} with {totals[heaviest]:,} bytes")
    assert {address: total for address, total in totals.items() if total > MOST_BYTES} == {}


def test_no_page_asks_another_server_or_breaks_its_own_policy(seen, site):
    assert {url for url in seen.requested if not url.startswith(site.url("/"))} == set()
    # the 404 is reported by the browser itself
    assert [c for c in seen.complaints if "404 (Not Found)" not in c[1]] == []


def test_no_colour_depends_on_the_width_of_the_screen(page):
    """Therefore the contrast of most pages is looked at on one width only."""
    visit(page, "/")
    assert page.evaluate(COLOURED_BY_WIDTH) == []
    page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet()
            sheet.replaceSync("@media (max-width: 40em) { p { color: silver } }")
            document.adoptedStyleSheets = [sheet]
        }"""
    )
    assert page.evaluate(COLOURED_BY_WIDTH.replace("document.styleSheets", "document.adoptedStyleSheets")) != []


# What people type, such as a name, a venue or a text: all of a page but its labels, figures and controls.
LENGTHEN = """long => {
    const fixed = ".rows dt, button, label, legend, summary, svg, script, style, time, .number, "
        + ".govuk-visually-hidden, [aria-hidden]"
    const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT)
    let changed = 0
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.data.trim().length < 4 || node.parentElement.closest(fixed)) continue
        node.data = ` ${long} `
        changed += 1
    }
    return changed
}"""
LONG = {
    "an address": "https://meetings.moor.example.org/rooms/the-great-hall?date=2031-05-05&seats=200",
    "a word of 35 letters": "Gemeindeverwaltungsrechtsgrundlagen",
    "words joined by no-break spaces": "\u00a0".join(["Violence prevention across the moor"] * 3).replace(
        " ", "\u00a0"
    ),
}


def test_no_long_word_makes_any_kind_of_page_wider_than_a_phone(page, kinds):
    page.set_viewport_size({"width": 320, "height": 900})
    wide = {}
    for address in kinds:
        visit(page, address)
        for kind, long in LONG.items():
            assert page.evaluate(LENGTHEN, long) > 0, address
            if beyond := page.evaluate(BEYOND):
                wide[address, kind] = beyond
    assert wide == {}


def test_these_instruments_find_what_is_wrong(page):
    """The control: on a page made wrong, each of the tests above would fail."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    visit(page, "/")
    assert (violations(page), page.evaluate(BEYOND)) == ([], [])
    page.evaluate(
        """() => {
            const wide = document.createElement("div")
            wide.style.width = "3000px"
            wide.textContent = "far too wide"
            const image = document.createElement("img")
            image.src = "http://127.0.0.1:1/elsewhere.png"
            const pale = document.createElement("p")
            pale.textContent = "hardly seen"
            pale.style.color = "#eeeeee"
            const script = document.createElement("script")
            script.textContent = "document.title = 'ran'"
            document.querySelector("main").append(wide, image, pale, script)
        }"""
    )
    assert {rule for rule, *_ in violations(page)} >= {"image-alt", "color-contrast"}
    assert len(page.evaluate(BEYOND)) == 2
    assert page.evaluate("document.documentElement.scrollWidth") > 1280
    assert any("Content Security Policy" in text for text in complaints)
    assert page.title() != "ran"
