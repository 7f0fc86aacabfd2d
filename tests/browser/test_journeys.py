"""What a visitor does: by keyboard, without JavaScript, on a small phone, in a hurry, on paper."""

import re

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const marked = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    const label = element.nextElementSibling;
    const ring = label && element.matches("[type=checkbox], [type=radio]") ? getComputedStyle(label, "::before") : null;
    return {
        tag: element.tagName, text: (element.innerText || element.value || element.id).trim(), href: element.href || "",
        seen: marked || Boolean(ring && (ring.boxShadow !== "none" || ring.outlineStyle !== "none")),
        inside: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0
            && box.left < innerWidth,
    };
}"""


def test_by_keyboard_the_first_stop_skips_to_the_content(page):
    page.goto("/initiatives/")
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUSED)
    assert (first["tag"], first["text"]) == ("A", "Skip to the main content")
    assert first["inside"]
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    assert page.evaluate("document.activeElement.id") == "main"


def test_by_keyboard_every_stop_can_be_seen_and_the_filters_can_be_sent(page):
    page.goto("/initiatives/")
    stops = []
    for _ in range(150):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1]["text"] == "Show initiatives":
            break
    assert stops[-1]["text"] == "Show initiatives"
    assert [stop["text"] for stop in stops if not stop["seen"]] == []
    assert [stop["text"] for stop in stops if not stop["inside"]] == []
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?.*="))
    assert page.locator(".active-filters__link").count() == 1


def test_without_javascript_the_catalogue_is_filtered_and_the_filter_undone(chromium, site):
    context = chromium.new_context(base_url=site.url("").rstrip("/"), java_script_enabled=False)
    page = context.new_page()
    page.goto("/initiatives/")
    everything = page.locator(".rows > li").count()
    choice = page.locator("form#filters .govuk-checkboxes__item").first
    expected = int(choice.locator(".count").inner_text())
    choice.locator("label").click()
    page.get_by_role("button", name="Show initiatives").click()
    page.wait_for_url(re.compile(r"/initiatives/\?.*="))
    assert 0 < expected < everything
    assert page.locator(".rows > li").count() == expected
    assert page.locator("form#filters input:checked").count() == 1
    page.locator(".active-filters__link").click()
    page.wait_for_load_state()
    assert page.locator(".rows > li").count() == everything
    context.close()


def test_without_javascript_the_search_on_the_home_page_finds_an_initiative(chromium, site):
    context = chromium.new_context(base_url=site.url("").rstrip("/"), java_script_enabled=False)
    page = context.new_page()
    page.goto("/initiatives/")
    name = page.locator(".rows h3 a").last.inner_text()
    page.goto("/")
    page.get_by_role("searchbox").fill(name)
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile(r"/search/\?q="))
    assert name == page.locator(".found__best a").inner_text()
    context.close()


def sensitive(page):
    """Return the address of an initiative about something sensitive."""
    page.goto("/initiatives/")
    for address in page.locator(".rows h3 a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        page.goto(address)
        if page.locator("#safe").count():
            return address
    raise AssertionError("The content has no sensitive initiative.")


def test_pages_about_something_sensitive_offer_a_way_out_and_others_do_not(page, site):
    address = sensitive(page)
    way_out = page.locator(".govuk-exit-this-page__button")
    assert way_out.get_attribute("href") == f"http://127.0.0.1:{site.port}/healthz"
    assert "Exit this page" in way_out.inner_text()
    assert way_out.bounding_box()["y"] < 900
    way_out.click()
    page.wait_for_url("**/healthz")
    page.go_back()
    assert not page.url.endswith(address)  # whoever looks afterwards does not come back to it
    level = page.goto(address) and page.locator(".level-name a").first.get_attribute("href")
    for shown_on in ("/initiatives/", level):
        page.goto(shown_on)
        assert page.locator(".govuk-exit-this-page__button").count() == 1, shown_on
    for elsewhere in ("/", "/about/", "/funding/", "/news/"):
        page.goto(elsewhere)
        assert page.locator(".govuk-exit-this-page__button").count() == 0, elsewhere


def test_pressing_shift_three_times_leaves_a_sensitive_page(page):
    page.goto(sensitive(page))
    page.locator("body").click(position={"x": 5, "y": 400})
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url("**/healthz")


def test_without_javascript_the_way_out_is_a_link_reached_by_the_second_stop(chromium, site):
    context = chromium.new_context(base_url=site.url("").rstrip("/"))
    address = sensitive(context.new_page())
    context.close()
    context = chromium.new_context(base_url=site.url("").rstrip("/"), java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/healthz")
    context.close()


def test_the_home_page_is_short_on_a_small_phone(page, record_property):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/")
    height = page.evaluate("document.documentElement.scrollHeight")
    record_property("measured", f"home at 320 px is {height:,} px tall")
    assert height <= 4_500


def test_the_home_page_is_light(chromium, site, record_property):
    context = chromium.new_context(base_url=site.url("").rstrip("/"))
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    address, sizes = {}, {}
    network.on("Network.responseReceived", lambda e: address.update({e["requestId"]: e["response"]["url"]}))
    network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: int(e["encodedDataLength"])}))
    page.goto("/", wait_until="networkidle")
    weights = {address[request].removeprefix(site.url("")): size for request, size in sizes.items()}
    context.close()
    total, html = sum(weights.values()), weights["/"]
    line = f"home: {total:,} bytes over the wire in {len(weights)} answers, of which HTML {html:,}"
    record_property("measured", line)
    assert total <= 50_000, weights
    assert html <= 14_000, weights


def test_the_agenda_of_the_launch_is_one_sheet_of_paper(page):
    page.goto("/events/launch/")
    paper = page.pdf(format="A4", print_background=False)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) == 1


def test_on_paper_the_navigation_and_the_filters_are_left_out(page):
    page.goto("/initiatives/")
    page.emulate_media(media="print")
    for selector in (".mainnav", "form#filters", ".govuk-exit-this-page"):
        assert not page.locator(selector).first.is_visible(), selector
    assert page.locator(".rows").is_visible()


def test_a_printed_page_has_its_address_date_and_contact_details(page, site):
    page.goto("/funding/")
    page.emulate_media(media="print")
    assert re.search(r"/funding/\S+/, as it was on \d+ \w+ \d{4}", page.locator(".printed").inner_text())
    assert page.locator(".foot__contact").is_visible()
    for selector in (".downloads", ".foot nav", "form"):
        for found in page.locator(selector).all():
            assert not found.is_visible(), selector
