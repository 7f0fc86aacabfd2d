"""What is pressed is large enough, and what is written from right to left is shown so, for visitors and for staff."""

import pytest

from tests.browser.conftest import sign_in
from tests.browser.test_staff import first_of, ours
from tests.support.browser import BEYOND, violations, visit
from tests.support.processes.portal_process import run

# What is pressed and smaller than 24 by 24 CSS px (WCAG 2.2, 2.5.8): unless it is a link in a sentence, or a circle of
# that size around its centre touches nothing else that is pressed, nor another such circle.
TOO_SMALL = """() => {
    const all = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]"
    )].filter(element => element.checkVisibility() && getComputedStyle(element).clipPath === "none")
    const boxes = new Map(all.map(element => [element, element.getBoundingClientRect()]))
    const small = box => box.width < 23.9 || box.height < 23.9
    const middle = box => [box.x + box.width / 2, box.y + box.height / 2]
    const inSentence = element => getComputedStyle(element).display === "inline"
        && [...element.parentElement.childNodes].some(node => node.nodeType === 3 && node.data.trim().length > 1)
    const near = (x, y, box) => Math.hypot(
        x - Math.max(box.left, Math.min(x, box.right)), y - Math.max(box.top, Math.min(y, box.bottom))) < 12
    return all.filter(element => {
        const box = boxes.get(element)
        if (box.width < 1 || !small(box) || inSentence(element)) return false
        const label = element.closest("label") ?? (element.id && document.querySelector(`label[for="${element.id}"]`))
        const ticked = /checkbox|radio/.test(element.type ?? "")
        if (label && ticked && !small(label.getBoundingClientRect())) return false
        const [x, y] = middle(box)
        return all.some(other => {
            if (other === element || element.contains(other) || other.contains(element)) return false
            const its = boxes.get(other)
            if (its.width < 1) return false
            return near(x, y, its) || (small(its) && Math.hypot(x - middle(its)[0], y - middle(its)[1]) < 24)
        })
    }).map(element => `${element.outerHTML.slice(0, 90)} ${JSON.stringify(boxes.get(element))}`).slice(0, 5)
}"""
# The lines, words and letters of a reader who sets them farther apart (WCAG 1.4.12).
SPACED = """() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}"""
# Of every place that shows a text: whether its last sign, which has no direction of its own, is left of its first.
READS_LEFTWARDS = """text => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const found = []
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const start = node.data.indexOf(text), element = node.parentElement
        if (start < 0 || !element.checkVisibility() || element.closest("option, [class*=hidden]")) continue
        const at = place => {
            const range = document.createRange()
            range.setStart(node, place)
            range.setEnd(node, place + 1)
            return range.getBoundingClientRect()
        }
        found.push([element.closest("body *").tagName, at(start + text.length - 1).left < at(start).left])
    }
    return found
}"""
TITLE = "معا ضد العنف!"
PUBLIC = (
    "/",
    "/initiatives/",
    "/funding/2019-20/",
    "/payments/?year=2019-20",
    "/search/?q=knife",
    "/events/",
    "/news/",
)
STAFF = (
    "/admin/",
    "/admin/events/event/",
    "/admin/events/event/{event}/change/",
    "/admin/funding/payment/",
    "/admin/funding/payment/add/",
    "/admin/programmes/preventionlevel/order/",
)
HEADINGS = b"Belegnr,Kostenstelle,Allocation,Buchung,Amount\nFIN-1,4711,x,1/5/2031,5\n"


@pytest.fixture
def staff(page, password):
    sign_in(page, password)
    return page


def wrong_at(page, address):
    """What is too small, or too wide once the text is set as some readers need it."""
    found = []
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        found += [(address, width, small) for small in page.evaluate(TOO_SMALL)]
    page.evaluate(SPACED)
    return found + [(address, "spaced", beyond) for beyond in page.evaluate(BEYOND)]


def test_what_visitors_press_is_large_enough_and_text_may_be_spaced(page):
    found = []
    for address in PUBLIC:
        visit(page, address)
        found += wrong_at(page, address)
    assert found == [], "\n".join(map(str, found))


def test_what_staff_press_is_large_enough_and_text_may_be_spaced(staff):
    event, found = first_of(staff, "/admin/events/event/"), []
    for address in (address.format(event=event) for address in STAFF):
        visit(staff, address)
        found += wrong_at(staff, address)
    assert found == [], "\n".join(map(str, found))


def test_the_table_of_headings_works_by_keyboard_on_a_phone(staff):
    staff.set_viewport_size({"width": 320, "height": 900})
    visit(staff, "/admin/funding/payment/import/")
    file = {"name": "ledger.csv", "mimeType": "text/csv", "buffer": HEADINGS}
    staff.locator("[name=import_file]").set_input_files(file)
    staff.locator("input[value='Check the file']").press("Enter")
    staff.locator(".portal-headings").wait_for()
    assert staff.evaluate(BEYOND) == []
    assert ours(violations(staff, {"preload": False})) == []
    staff.get_by_label("System").fill("Ledger 9")
    staff.keyboard.press("Tab")
    staff.keyboard.type("ref")
    staff.get_by_label("Buchung").press("p")
    assert staff.get_by_label("Belegnr").input_value() == "reference"
    assert staff.get_by_label("Buchung").input_value() == "paid_on"
    assert wrong_at(staff, "the table") == []
    staff.locator("input[value='Save and check the file again']").press("Enter")
    staff.get_by_text("Headings were read as saved for Ledger 9.").wait_for()


@pytest.fixture
def event(site):
    """The address and the number of an event whose title is in Arabic for the time being."""
    change = (
        "from events.models import Event; row = Event.objects.public().first(); "
        "before, row.title = row.title, {title!r}; row.save(); print(row.get_absolute_url(), row.pk, before, sep='|')"
    )

    def rename(title):
        done = run(site.folder, "shell", "-v0", "-c", change.format(title=title), PORT=site.port)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().split("|", 2)

    address, number, before = rename(TITLE)
    yield address, number
    rename(before)


def test_what_is_written_from_right_to_left_is_shown_so(staff, event):
    address, number = event
    wrong: dict[tuple[str, str], bool] = {}
    for place in (
        *(address, "/events/"),
        *("/admin/events/event/", f"/admin/events/event/{number}/change/"),
        *(f"/admin/events/event/{number}/history/", f"/admin/events/event/{number}/unpublish/"),
    ):
        visit(staff, place)
        shown = staff.evaluate(READS_LEFTWARDS, TITLE)
        assert shown, place
        wrong |= {(place, where): leftwards for where, leftwards in shown if not leftwards}
    assert wrong == {}
