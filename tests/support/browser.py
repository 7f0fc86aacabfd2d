"""What is wrong with a page as a browser shows it."""

import re
from collections.abc import Iterable
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.support.processes.portal_process import Portal

SECONDS_TO_ANSWER = 120  # where something has hung: a busy machine is waited for

# Only problems leave the browser: rule, element and message.
FIND = """options => axe.run({resultTypes: ["violations"], ...options}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => [rule.id, node.target, (node.failureSummary ?? "").slice(0, 300)])))"""

CONTRAST = "color-contrast"  # takes three quarters of axe's time
TARGET_SIZE = "target-size"  # of what is pressed: WCAG 2.2, 2.5.8

# What sets a colour only on screens of some width: the weight of a colour would have to be looked at on each of them.
COLOURED_BY_WIDTH = """() => {
    const found = []
    const colours = /^(color|background-(color|image)|opacity|filter|mix-blend-mode|-webkit-text-fill-color)$/
    const look = (rules, byWidth) => {
        for (const rule of rules) {
            const here = byWidth || /width/.test(rule.conditionText ?? "")
            look(rule.cssRules ?? [], here)
            for (const name of here && rule.style ? rule.style : [])
                if (colours.test(name))
                    found.push(`${rule.conditionText ?? ""} ${rule.selectorText} ${name}: ${rule.style[name]}`)
        }
    }
    for (const sheet of document.styleSheets) look(sheet.cssRules, false)
    return found
}"""

# What reaches beyond the right edge: cut off by `overflow: clip`, it would not even scroll. What scrolls by itself may.
BEYOND = """() => {
    const own = element => {
        for (let up = element; up && up !== document.documentElement; up = up.parentElement)
            if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true
        return false
    }
    const width = document.documentElement.clientWidth
    const found = [...document.body.querySelectorAll("*")].filter(element => {
        const box = element.getBoundingClientRect()
        return box.width > 1 && box.height > 1 && box.right > width + 1 && !element.closest("svg") && !own(element)
            && getComputedStyle(element).clipPath === "none"
    }).map(element => `${element.tagName}.${element.className} to ${element.getBoundingClientRect().right}`)
    if (document.documentElement.scrollWidth > width) found.push(`the page to ${document.documentElement.scrollWidth}`)
    return found.slice(0, 5)
}"""

# What goes on beyond its own edge, such as a table on a phone, and looks as if it ended there: it has to be shaded, to
# have a name, and to be reached by keyboard.
CUT_OFF = """() => [...document.querySelectorAll("main *")].filter(element => {
    const style = getComputedStyle(element)
    return element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1 && style.overflowX !== "visible"
        && style.clipPath === "none" && !element.closest("svg") && !element.matches("input, select, textarea")
        && !(element.matches("[role=region][aria-labelledby][tabindex='0']")
            && style.backgroundImage.includes("gradient"))
}).map(element => `${element.tagName}.${element.className}: ${element.clientWidth} of ${element.scrollWidth} shown`)
"""

# What a page and all that it needs have weighed on the way, in bytes: the page itself, style sheets, scripts, pictures.
WEIGHTS = """() => Object.fromEntries(["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .map(entry => [new URL(entry.name).pathname, entry.transferSize]))"""
MOST_BYTES = 100_000  # of any public page, in all


# Resize listeners run before the next frame is drawn.
NEXT_FRAME = "() => new Promise(requestAnimationFrame)"

# What a screen of this width shows: if another shows the same, most of axe's rules find the same there.
SHOWN = """() => [...document.body.querySelectorAll("*")].filter(element => element.checkVisibility())
    .map(element => element.tagName + element.id).join()"""


def visitor(
    chromium: Browser, portal: Portal, *, width: int = 1280, height: int = 900, scripts: bool = True, axe: bool = True
) -> Page:
    """Return the page of somebody who has never been here; whose it is closes its context."""
    context = chromium.new_context(
        base_url=portal.url("").rstrip("/"),
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
    )
    context.set_default_timeout(SECONDS_TO_ANSWER * 1000)
    if scripts and axe:
        context.add_init_script(AXE_SCRIPT)  # read once by the browser, rather than sent to every page
    return context.new_page()


def in_sitemap(served: Portal) -> list[str]:
    return re.findall(r"<loc>https?://[^/]+([^<]*)</loc>", served.get("/sitemap.xml")[1])


def some_of_each_kind(addresses: Iterable[str], most: int) -> list[str]:
    """Return up to so many addresses of each kind of page."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        found.setdefault(f"{address.split('/')[1]}{'?' in address}{address.count('/')}", []).append(address)
    return [address for alike in found.values() for address in alike[:most]]


def forget_files(page: Page) -> None:
    """Make the browser fetch every file again for each page, as for somebody who has never been here."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})


def weights(page: Page) -> dict[str, int]:
    """Return what each file that the page needed has weighed, compressed as it was sent; call `forget_files` before."""
    found: dict[str, int] = page.evaluate(WEIGHTS)
    return found


def phone(chromium: Browser, served: Portal) -> Page:
    """A small phone without JavaScript."""
    return visitor(chromium, served, width=320, height=640, scripts=False)


def resize(page: Page, width: int) -> None:
    """Make the screen as wide as this, and wait until the page's own scripts have seen it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(NEXT_FRAME)


def violations(page: Page, options: dict[str, Any] | None = None) -> list[Any]:
    """Return what axe finds, with its rule for the size of what is pressed (WCAG 2.2, 2.5.8), which it leaves out."""
    rules = {TARGET_SIZE: {"enabled": True}} | (options or {}).get("rules", {})
    found: list[Any] = page.evaluate(FIND, {**(options or {}), "rules": rules})
    return found


def faults(page: Page, *widths: int, contrast: bool = True) -> list[Any]:
    """Return what axe finds at each of these widths, and what is too wide for it; the page is opened only once.

    Without ``contrast``, that of colours is looked at only on the narrowest screen, whose letters are the smallest:
    no colour depends on the width (`COLOURED_BY_WIDTH`). Rules that do not depend on the width are asked once, unless
    another width shows or hides something.
    """
    found: list[Any] = []
    known: set[str] = set()
    for width in widths:
        resize(page, width)
        narrowest = width == min(widths)  # where fingers have least room: WCAG 2.5.8, which axe leaves out unless asked
        by_width = [CONTRAST] * (contrast or narrowest) + [TARGET_SIZE] * narrowest
        shown = page.evaluate(SHOWN)
        if shown not in known:
            rules = {name: {"enabled": name in by_width} for name in (CONTRAST, TARGET_SIZE)}
            found += [(width, fault) for fault in violations(page, {"rules": rules})]
            known.add(shown)
        elif by_width:
            found += [(width, fault) for fault in page.evaluate(FIND, {"runOnly": by_width})]
        found += [(width, fault) for fault in (*page.evaluate(BEYOND), *page.evaluate(CUT_OFF))]
    return found


def visit(page: Page, address: str) -> None:
    """Open a page; the one that is not there is part of the portal too."""
    response = page.goto(address)
    assert response is not None
    assert response.status == (404 if "no-such-page" in address else 200), address


def tab_to(page: Page, selector: str) -> None:
    """Press the Tab key until this has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard on {page.url}")


def press(page: Page, selector: str, title: str) -> None:
    """Follow a link or press a button by keyboard. The page that opens must fit the screen."""
    tab_to(page, selector)
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile(f"^{re.escape(title)}"))
    assert page.evaluate(BEYOND) == []
