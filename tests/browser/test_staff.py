"""Staff's pages as a browser shows them: the rules of accessibility, the policy, the width, and the keyboard."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.support.browser import BEYOND, resize, violations

# What is Django's own and stays: rule, and the element that it is found at, with the reason.
OF_DJANGO = {
    (
        "empty-table-header",
        "th.original",
    ),  # above the column that holds an inline row's name: a heading would say nothing
}
PAGES = (
    "/admin/",
    "/admin/search/?q=young",
    "/admin/search/?q=zzznothing",
    "/admin/programmes/initiative/",
    "/admin/funding/payment/?exceptions=all",
    "/admin/programmes/story/add/",
    "/admin/events/event/{event}/change/",
    "/admin/partners/person/{person}/change/",
    "/admin/programmes/initiative/{initiative}/unpublish/",
    "/admin/programmes/initiative/{initiative}/history/",
    "/admin/funding/payment/import/",
)


def first_of(page, listing):
    """Return the number of the first record in a list."""
    page.goto(listing)
    address = page.locator("#result_list tbody th a").first.get_attribute("href")
    return re.findall(r"/(\d+)/change/", address)[0]


def ours(faults):
    """Leave out what is Django's own."""
    return [
        fault
        for fault in faults
        if not any(rule == fault[0] and at.split(".")[1] in str(fault[1]) for rule, at in OF_DJANGO)
    ]


def faults_of(page):
    """Return what axe finds that is ours, and what is too wide, on a wide screen and on a tablet."""
    found = []
    for width in (1280, 768):
        resize(page, width)
        # preloading, axe would write styles of imported sheets into the page, which its policy forbids
        found += [(width, *fault) for fault in ours(violations(page, {"preload": False}))]
        found += [(width, beyond) for beyond in page.evaluate(BEYOND)]
    resize(page, 320)
    return found + [(320, beyond) for beyond in page.evaluate(BEYOND)]


def test_axe_finds_nothing_no_page_of_staff_is_too_wide_or_breaks_its_own_policy(page, password):
    complaints = []
    page.on("console", lambda message: complaints.append((message.type, message.text[:200], page.url)))
    page.on("pageerror", lambda error: complaints.append(("error", str(error), page.url)))
    page.goto("/admin/")
    found = {"sign-in": faults_of(page)}
    sign_in(page, password)
    numbers = {
        "event": first_of(page, "/admin/events/event/"),
        "person": first_of(page, "/admin/partners/person/"),
        "initiative": first_of(page, "/admin/programmes/initiative/"),
    }
    for address in [address.format(**numbers) for address in PAGES]:
        resize(page, 1280)
        assert page.goto(address).status == 200, address
        page.wait_for_load_state("load")
        found[address] = faults_of(page)
    assert {address: faults for address, faults in found.items() if faults} == {}
    assert complaints == []


def test_a_list_that_no_longer_scrolls_keeps_the_focus_until_it_is_left(page, password):
    sign_in(page, password)
    page.goto("/admin/programmes/initiative/")
    resize(page, 320)
    scrolling = page.get_by_role("region", name="List: scrolls sideways")
    scrolling.focus()
    resize(page, 1280)
    expect(scrolling).to_be_focused()
    page.keyboard.press("Tab")
    expect(scrolling).to_have_count(0)


# What staff meet between writing a record and its publication, and pages that take many rows at once. Each is brought
# about as staff do it, with the page that follows it, and looked at on a phone and on a wide screen.
WIDTHS = (320, 1280)
REFUSED = b"name,slug,sector\nMoor,moor,No such sector\n,lake,\n"
TAKEN = b"name,slug,source,as_at\nPeople at sea,people-at-sea,launch-brochure,2019-10-02\n"
WRITTEN = {"title": "Lamps", "summary": "A sentence.", "body": "We asked.\n\n- More light\n- A map"}


def narrow_and_wide(page, found, name):
    """Note what is wrong with the page that is open, at both widths."""
    page.wait_for_load_state("load")
    for width in WIDTHS:
        resize(page, width)
        # A preview in a frame is a page of its own, looked at without the frame: beside this one, axe would find two of
        # each landmark, which a screen reader tells apart by the frame's name.
        wrong = ours(violations(page, {"preload": False, "iframes": False})) + page.evaluate(BEYOND)
        if wrong:
            found[name, width] = wrong


def opened_and_noted(page, found, *addresses):
    for address in addresses:
        assert page.goto(address).status == 200, address
        narrow_and_wide(page, found, address)


def write_story(page, title):
    page.goto("/admin/programmes/story/add/")
    for name, text in (WRITTEN | {"title": title}).items():
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=_continue]").last.click()
    page.locator(".messagelist .success").wait_for()
    return page.url.removesuffix("change/")


def test_axe_finds_nothing_between_writing_and_publishing(page, password):
    found: dict[tuple[str, int], Any] = {}
    sign_in(page, password)
    story, other = write_story(page, "Lamps"), write_story(page, "More lamps")
    narrow_and_wide(page, found, "saved")
    opened_and_noted(page, found, f"{story}ready/")
    page.locator("[name=note]").fill("Before Friday, please.")
    page.locator(".submit-row [type=submit]").last.click()
    page.locator(".messagelist .success").wait_for()
    narrow_and_wide(page, found, "marked ready")
    pages = (
        "send-back",
        "take-back",
        "publish",
        "preview",
        "preview/?framed",
        "preview/?width=phone",
        "history",
        "delete",
    )
    opened_and_noted(page, found, *(f"{story}{name.removesuffix('/')}{'' if '?' in name else '/'}" for name in pages))
    page.goto(f"{story}preview/?width=phone")
    framed = page.get_by_role("region", name="Preview, 375 pixels wide")
    for width, shown in zip(WIDTHS, ("portal-scroll beyond", "portal-scroll"), strict=True):
        resize(page, width)
        expect(framed).to_have_class(shown)
        framed.focus()
        expect(framed).to_be_focused()
    page.goto(f"{story}send-back/")
    page.locator(".submit-row [type=submit]").last.click()  # without a word
    narrow_and_wide(page, found, "send-back, with an error")
    opened_and_noted(page, found, f"{other}publish/")
    page.locator("[name=publish_at_0]").fill("tomorrow")
    page.locator(".submit-row [type=submit]").last.click()
    narrow_and_wide(page, found, "publish, with an error")
    page.goto("/admin/programmes/story/")
    for row in page.locator("#result_list .action-select").all()[:2]:
        row.check()
    page.locator("[name=action]").first.select_option("publish_selected")
    page.locator(".actions [type=submit]").first.click()
    narrow_and_wide(page, found, "publish several")
    assert page.locator(".submit-row [type=submit]").count()
    opened_and_noted(page, found, "/admin/")
    assert found == {}


def test_axe_finds_nothing_where_staff_order_import_read_help_and_choose_emails(page, password):
    found: dict[tuple[str, int], Any] = {}
    sign_in(page, password)
    orders = ("programmes/preventionlevel", "programmes/initiative", "results/breakdown", "funding/fundingsource")
    opened_and_noted(page, found, *(f"/admin/{name}/order/" for name in orders))
    page.goto("/admin/help/")
    subjects = page.locator("#content a[href*='/admin/help/']").evaluate_all("all => all.map(link => link.pathname)")
    assert len(subjects) > 10
    opened_and_noted(page, found, "/admin/help/", *sorted(set(subjects)), "/admin/account/emails/")
    lists = ("/admin/vru_portal/pending/", "/admin/vru_portal/submission/", "/admin/declarations/invitation/")
    opened_and_noted(page, found, *lists, "/admin/declarations/invitation/paste/", "/admin/search/?q=" + "heron+" * 60)
    for name, rows in (("refused", REFUSED), ("taken", TAKEN)):
        opened_and_noted(page, found, "/admin/partners/organisation/import/")
        page.locator("[name=import_file]").set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": rows})
        page.locator("input[value='Check the file']").click()
        narrow_and_wide(page, found, f"a file that is {name}")
        if rows == TAKEN:
            page.locator("[name=confirm]").click()
            page.locator(".messagelist .success").wait_for()
            narrow_and_wide(page, found, "what a file has done")
    assert found == {}


DOUBLE = "() => { document.documentElement.style.fontSize = '200%' }"
# On paper: what only works on a screen, what scrolls, and what is cut off at the right edge of the window.
SCREEN_ONLY = """() => [...document.querySelectorAll(
        "button, input[type=submit], nav, summary, .object-tools, .submit-row"
    )].filter(element => element.getBoundingClientRect().height > 0).map(element => element.outerHTML.slice(0, 80))"""


def test_text_of_twice_the_size_fits_every_page_of_staff_and_paper_has_no_controls(page, password):
    sign_in(page, password)
    event = first_of(page, "/admin/events/event/")
    found: dict[tuple[str, int | str], Any] = {}
    for address in (*(address for address in PAGES if "{" not in address), f"/admin/events/event/{event}/change/"):
        assert page.goto(address).status == 200, address
        for width in (1280, 640):
            resize(page, width)
            page.evaluate(DOUBLE)
            found[address, width] = page.evaluate(BEYOND)
        page.evaluate("() => { document.documentElement.style.fontSize = '' }")
        page.emulate_media(media="print")
        resize(page, 720)
        found[address, "paper"] = page.evaluate(SCREEN_ONLY)
        assert address.partition("?")[0] in page.locator(".staff-printed").inner_text()
        assert page.locator("h1").first.is_visible()
        page.emulate_media(media="screen")
        assert page.locator(".staff-printed").is_hidden()
    wrong = {place: faults for place, faults in found.items() if faults}
    assert wrong == {}, wrong


def test_a_draft_is_written_and_saved_with_the_keyboard_alone(page, password):
    sign_in(page, password)
    page.goto("/admin/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to main content"
    tab_to(page, "Add to Stories")
    page.keyboard.press("Enter")
    page.wait_for_url("**/story/add/")
    tab_to(page, "title", by="name")
    page.keyboard.type("Written without a mouse")
    tab_to(page, "summary", by="name")
    page.keyboard.type("A sentence.")
    tab_to(page, "_continue", by="name")
    page.keyboard.press("Enter")
    # its source is still to be chosen: the form says so, and what was typed is there
    page.locator(".errornote").wait_for()
    assert page.locator("[name=title]").input_value() == "Written without a mouse"


def focused(page, by=""):
    """Return what the focus is on, by its words or by an attribute."""
    return page.evaluate(
        """by => {
            const on = document.activeElement
            return by ? on.getAttribute(by) ?? "" : on.textContent.trim().replace(/\\s+/g, " ")
        }""",
        by,
    )


def tab_to(page, words, by=""):
    """Press Tab until the focus is there; each stop on the way must be seen."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if focused(page, by) == words:
            seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert seen != "none", words
            return
    raise AssertionError(f"Tab never came to {words}")


PASTED = (
    '<b style="font-weight:normal"><h2>Next</h2><p>We <span style="font-weight:700">meet</span> at '
    '<a href="https://moor.example.org/a_b">the hall</a>.</p><ul><li>one<ul><li>in one</li></ul></li><li>two</li></ul>'
    "<table><tr><td>Year</td><td>Count</td></tr><tr><td>2031</td><td>4</td></tr></table></b>"
)
PASTE = """(area, html) => {
    const data = new DataTransfer()
    data.setData("text/html", html)
    return area.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}))
}"""


def test_a_long_word_makes_no_page_of_staff_wider_than_a_phone(page, password):
    sign_in(page, password)
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto("/admin/programmes/story/add/")
    page.locator("[name=title]").fill("Gemeindeverwaltungsrechtsgrundlagen" * 4)
    page.locator("[name=summary]").fill("https://meetings.moor.example.org/rooms/" + "hall" * 30)
    page.locator("[name=body]").fill("Text.")
    page.locator("[name=_continue]").last.click()
    page.locator(".messagelist .success").wait_for()
    story = page.url.removesuffix("change/")
    wide = {"change": page.evaluate(BEYOND)}
    for name in ("history", "ready", "publish", "send-back", "delete"):
        page.goto(f"{story}{name}/")
        wide[name] = page.evaluate(BEYOND)
    assert {name: found for name, found in wide.items() if found} == {}


def word_item(level, sign, words):
    """An item of a list, as Word puts it on the clipboard."""
    space = "<span style='font:7.0pt \"Times New Roman\"'>&nbsp;&nbsp;&nbsp; </span>"
    return (
        f"<p class=MsoListParagraphCxSpMiddle style='text-indent:-18.0pt;mso-list:l0 level{level} lfo1'>"
        f"<![if !supportLists]><span style='font-family:Symbol'><span style='mso-list:Ignore'>{sign}{space}</span>"
        f"</span><![endif]>{words}<o:p></o:p></p>\n"
    )


PASTED_FROM_WORD = (
    "<body><!--StartFragment-->\n<h1>Lamps</h1>\n<p class=MsoNormal>We asked:<o:p></o:p></p>\n"
    + word_item(1, "·", "<b>More</b> light")
    + word_item(2, "o", "in winter")
    + word_item(1, "·", "<a href='https://moor.example.org/'>a map</a>")
    + "<p class=MsoNormal><o:p>&nbsp;</o:p></p>"
    + word_item(1, "1.", "Count")
    + word_item(2, "a)", "Moor")
    + word_item(1, "2.", "Tell")
    + "<p class=MsoNormal>The end.</p><!--EndFragment--></body>"
)


# Google Docs has styles for what others have elements for, and lists beside the items that they belong to.
PASTED_FROM_GOOGLE = (
    '<b style="font-weight:normal" id="docs-internal-guid-1"><p>It is <span style="font-style:italic">ours</span>'
    '<span style="text-decoration:line-through"> theirs</span>.</p>'
    '<ol start="3"><li>three</li><ol><li>in three</li></ol><li>four</li></ol></b>'
)
# What a report pasted from Word contains besides paragraphs and lists.
REPORT_FROM_WORD = """<html><head><style>p.MsoNormal { margin: 0 }</style></head><body>
<h2><b>What we heard</b></h2>
<p>We met <b><i>forty</i></b><a href="#_ftn1" name="_ftnref1">[1]</a>.<del>Not this.</del> See
<a href="file:///C:/plan.docx">our plan</a> and <a href="https://moor.example.org/a b(1)">this</a>.</p>
<table><tr><td colspan=2><b>Year</b></td></tr><tr><td>2019<br>Q1</td><td>4&nbsp;000</td></tr></table>
<p><img src="file:///C:/Temp/clip_image002.png" alt="Chart"><img src="x.png" alt="\u263a"></p>
<blockquote><p>It helped.</p><p>A lot.</p></blockquote>
<p># 4 was a good year</p><p>1990. A good year</p>
<div id=ftn1><p><a href="#_ftnref1">[1]</a> Notes.</p></div></body></html>"""
REPORT = (
    "## What we heard\n\nWe met ***forty***\\[1\\]. See our plan and [this](<https://moor.example.org/a%20b(1)>).\n\n"
    "**Year**\t\n2019 Q1\t4 000\n\n![Chart](<clip_image002.png>)\u263a\n\n> It helped.\n> \n> A lot.\n\n"
    "\\# 4 was a good year\n\n1990\\. A good year\n\n\\[1\\] Notes."
)


def test_text_is_marked_with_the_keyboard_and_what_is_pasted_becomes_markdown(page, password):
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page, password)
    page.goto("/admin/programmes/story/add/")
    area = page.locator("#id_body")
    area.fill("one\ntwo")
    area.select_text()
    page.get_by_role("button", name="List", exact=True).press("Enter")
    assert area.input_value() == "- one\n- two"
    area.fill("urgent")
    area.select_text()
    page.get_by_role("button", name="Bold", exact=True).press("Enter")
    assert area.input_value() == "**urgent**"
    for name in ("Link", "Heading", "Picture"):
        assert page.get_by_role("button", name=name, exact=True).is_visible()
    area.fill("")
    assert area.evaluate(PASTE, PASTED) is False
    assert area.input_value() == (
        "## Next\n\nWe **meet** at [the hall](https://moor.example.org/a_b).\n\n- one\n    - in one\n- two\n\n"
        "Year\tCount\n2031\t4"
    )
    area.fill("")
    assert area.evaluate(PASTE, PASTED_FROM_WORD) is False
    assert area.input_value() == (
        "## Lamps\n\nWe asked:\n\n- **More** light\n    - in winter\n- [a map](https://moor.example.org/)\n\n"
        "1. Count\n    - a) Moor\n2. Tell\n\nThe end."
    )
    area.fill("")
    assert area.evaluate(PASTE, PASTED_FROM_GOOGLE) is False
    assert area.input_value() == "It is *ours*.\n\n3. three\n    1. in three\n4. four"
    area.fill("")
    assert area.evaluate(PASTE, REPORT_FROM_WORD) is False
    assert area.input_value() == REPORT
    page.get_by_text("The picture clip_image002.png is not in this portal.").wait_for()  # the preview
    area.fill("")
    assert area.evaluate(PASTE, "<p>Plain words</p>") is True, "the browser pastes plain text as it is"
    assert [text for text in complaints if "Content Security Policy" in text] == []
