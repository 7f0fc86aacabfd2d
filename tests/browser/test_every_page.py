"""What holds of every page of the launch content, as a browser shows it."""

from tests.browser.judging import BEYOND, faults, violations, visit


def test_axe_finds_no_weak_contrast_on_any_kind_of_page_in_the_dark(page, kinds):
    page.emulate_media(color_scheme="dark")
    found = {}
    for address in kinds:
        visit(page, address)
        if weak := violations(page, {"runOnly": ["color-contrast", "link-in-text-block"]}):
            found[address] = weak
    assert found == {}


def test_axe_finds_nothing_and_no_page_is_too_wide_asks_another_server_or_breaks_its_own_policy(page, site, addresses):
    found, requested, complaints = {}, set(), []
    page.on("request", lambda request: requested.add(request.url))
    page.on("console", lambda message: complaints.append((message.type, message.text, page.url)))
    page.on("pageerror", lambda error: complaints.append(("error", str(error), page.url)))
    for address in addresses:
        visit(page, address)
        wrong = faults(page, 320, 1280)
        page.set_viewport_size({"width": 1920, "height": 900})
        if wrong := [*wrong, *page.evaluate(BEYOND)]:
            found[address] = wrong
    assert found == {}
    assert {url for url in requested if not url.startswith(site.url("/"))} == set()
    # the 404 is reported by the browser itself
    assert [c for c in complaints if "404 (Not Found)" not in c[1]] == []


def test_text_can_be_made_twice_as_large_without_scrolling_sideways(page, kinds):
    page.set_viewport_size({"width": 640, "height": 900})
    wide = {}
    for address in kinds:
        visit(page, address)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if beyond := page.evaluate(BEYOND):
            wide[address] = beyond
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
