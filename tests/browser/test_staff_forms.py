"""Staff's forms as a browser runs them: order, errors, what is typed and not saved, and a name for every control."""

import pytest

from tests.browser.conftest import sign_in
from tests.browser.test_staff import first_of, focused

EVENT, STORY = "/admin/events/event/", "/admin/programmes/story/add/"
# Roles that people act on, which mean nothing to them without a name.
CONTROLS = {
    *("button", "checkbox", "combobox", "link", "listbox", "menuitem", "radio", "searchbox", "slider", "spinbutton"),
    *("switch", "tab", "textbox", "DisclosureTriangle"),
}


@pytest.fixture
def staff(page, password):
    sign_in(page, password)
    return page


def opened(page, address):
    page.goto(address)
    page.wait_for_load_state("load")
    return page


def questions(page):
    """What the browser asks before a page is left; each is answered with yes."""
    asked = []

    def accept(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    return asked


def titles(page):
    return page.locator("#items-group tr.form-row:not(.empty-form) [name$=-title]").evaluate_all(
        "all => all.map(box => box.value)"
    )


def test_rows_are_moved_with_the_keyboard_and_saved_in_one_go(staff):
    opened(staff, f"{EVENT}{first_of(staff, EVENT)}/change/")
    first, second, third, *_ = titles(staff)
    assert not staff.locator("[name=items-0-position]").is_visible()
    staff.locator(".order-down").first.focus()
    staff.keyboard.press("Enter")
    staff.keyboard.press("Enter")
    assert focused(staff, "aria-label") == f"Move down: {first}"
    assert f"{first} is now number 3 of" in staff.locator("[role=status]").last.text_content()
    staff.locator("[name=_continue]").last.click()
    staff.locator(".messagelist .success").wait_for()
    assert titles(staff)[:3] == [second, third, first]


def test_a_new_row_is_moved_and_another_removed_before_they_are_saved(staff):
    opened(staff, f"{EVENT}{first_of(staff, EVENT)}/change/")
    before = titles(staff)
    staff.locator(".add-row a").click()
    staff.locator(".add-row a").click()
    new = f"[name=items-{len(before)}-title]"
    staff.locator(new).fill("Prayer")
    staff.locator(f"[name=items-{len(before) + 1}-title]").fill("Gone again")
    for _ in range(len(before)):
        staff.locator(f"#items-{len(before)} .order-up").press("Enter")
    staff.locator(f"#items-{len(before) + 1} .inline-deletelink").click()
    staff.locator("[name=_continue]").last.click()
    staff.locator(".messagelist .success").wait_for()
    assert titles(staff) == ["Prayer", *before]


def test_an_error_gets_the_focus_and_leads_to_its_field(staff):
    opened(staff, "/admin/programmes/initiative/add/").locator("[name=name]").fill("A walk")
    staff.locator("[name=_save]").last.click()
    staff.locator(".portal-errors").wait_for()
    assert staff.title().startswith("Error:")
    assert focused(staff, "class") == "portal-errors"
    staff.locator(".portal-errors a", has_text="Level").click()
    assert focused(staff, "aria-label") == "Level"
    staff.locator(".portal-errors a", has_text="Summary").click()
    assert focused(staff, "name") == "summary"


def test_text_that_was_not_saved_is_asked_about_and_offered_again(staff):
    asked = questions(staff)
    opened(staff, STORY).locator("[name=title]").type("Half a story")
    staff.locator("[name=body]").type("It began")
    staff.goto("/admin/")
    assert asked == ["beforeunload"]
    opened(staff, STORY)
    assert staff.locator("[name=title]").input_value() == ""
    staff.get_by_role("button", name="Restore what you typed").click()
    assert staff.locator("[name=title]").input_value() == "Half a story"
    assert staff.locator("[name=body]").input_value() == "It began"


def test_an_order_that_was_not_saved_is_asked_about_and_offered_again(staff):
    asked = questions(staff)
    address = "/admin/programmes/successcondition/order/"
    names = "[data-order-row] > [dir=auto]"
    first, second = opened(staff, address).locator(names).all_inner_texts()[:2]
    staff.locator(".order-down").first.click()
    staff.goto("/admin/")
    assert asked == ["beforeunload"]
    opened(staff, address).get_by_role("button", name="Restore what you typed").click()
    assert staff.locator(names).all_inner_texts()[:2] == [second, first]


def test_a_window_for_another_record_asks_before_what_was_typed_is_lost(staff):
    opened(staff, "/admin/programmes/audience/add/?_popup=1").locator("[name=name]").type("People at sea")
    asked = questions(staff)
    staff.goto("/admin/")
    assert asked == ["beforeunload"]
    assert staff.evaluate("Object.keys(localStorage)") == []


def test_nothing_is_offered_or_asked_once_it_is_saved(staff):
    asked = questions(staff)
    opened(staff, "/admin/programmes/audience/add/").locator("[name=name]").type("People at sea")
    staff.locator("[name=_save]").last.click()
    staff.locator(".messagelist .success").wait_for()
    assert asked == []
    opened(staff, "/admin/programmes/audience/add/")
    assert staff.locator(".portal-kept").count() == 0
    assert staff.evaluate("Object.keys(localStorage)") == []


def test_text_survives_the_end_of_the_session_and_a_closed_tab(staff, password):
    address = f"{EVENT}{first_of(staff, EVENT)}/change/"
    opened(staff, address).locator("[name=venue]").fill("A barge")
    staff.locator("[name=items-0-title]").fill("Casting off")
    staff.wait_for_timeout(500)
    staff.context.clear_cookies()
    staff.close()
    again = staff.context.new_page()
    sign_in(again, password)
    opened(again, address).get_by_role("button", name="Restore what you typed").click()
    assert again.locator("[name=venue]").input_value() == "A barge"
    assert again.locator("[name=items-0-title]").input_value() == "Casting off"
    # whoever signs out leaves nothing behind
    again.on("dialog", lambda dialog: dialog.accept())
    again.locator("#logout-form button").click()
    again.wait_for_load_state("load")
    assert [key for key in again.evaluate("Object.keys(localStorage)") if key.startswith("vru-kept")] == []


def test_a_box_says_how_many_characters_are_left_and_cuts_nothing(staff):
    box = opened(staff, STORY).locator("[name=summary]")
    box.fill("x" * 199)
    count = staff.locator("[name=summary] ~ .portal-count")
    assert count.text_content() == "1 character left"
    box.fill("e\u0301" * 199 + "  ")  # as a Mac's files have accented letters
    assert count.text_content() == "1 character left"
    box.fill("x" * 203)
    assert count.text_content() == "3 characters too many"
    assert len(box.input_value()) == 203
    live = staff.locator("[name=summary] ~ [aria-live=polite]", has_text="3 characters too many")
    live.wait_for(state="attached")


# Names ----------------------------------------------------------------------------------------------------------------


def nameless(page):
    """The controls of the page's accessibility tree that have no name."""
    page.wait_for_timeout(150)  # the tree follows what scripts have named on load
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        (node["role"]["value"], node.get("description", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]


def test_every_control_of_the_lists_and_forms_of_staff_has_a_name(staff):
    numbers = {name: first_of(staff, f"/admin/{name}/") for name in ("events/event", "partners/person")}
    opened(staff, "/admin/")
    adding = staff.locator(".start-add").evaluate_all("all => all.map(link => link.pathname)")
    assert len(adding) > 20
    addresses = [
        "/admin/",
        *adding,
        *(f"/admin/{name}/{number}/{page}/" for name, number in numbers.items() for page in ("change", "history")),
        *("/admin/programmes/initiative/1/change/", "/admin/programmes/initiative/1/unpublish/"),
        *("/admin/programmes/initiative/", "/admin/funding/payment/", "/admin/declarations/invitation/"),
        *("/admin/programmes/successcondition/order/", "/admin/partners/person/import/"),
        *("/admin/declarations/entry/disclose/", "/admin/admin/logentry/", "/admin/vru_portal/pending/"),
    ]
    found = {address: wrong for address in addresses if (wrong := nameless(opened(staff, address)))}
    assert found == {}


def test_the_boxes_of_the_day_and_time_of_publishing_have_names_of_their_own(staff):
    opened(staff, "/admin/programmes/term/")
    address = f"/admin/programmes/term/{first_of(staff, '/admin/programmes/term/')}"
    opened(staff, f"{address}/change/").locator("[name=name]").fill("Another word")
    staff.locator("[name=_publish]").last.click()
    staff.wait_for_url("**/publish/")
    staff.wait_for_load_state("load")
    assert staff.get_by_role("textbox", name="Publish on: date").is_visible()
    assert staff.get_by_role("textbox", name="Publish on: time").is_visible()
    assert nameless(staff) == []
    # no heading of the table of changes is printed over the column beside it
    edges = staff.locator(".portal-differences tbody th").evaluate_all(
        "all => all.map(cell => [cell.scrollWidth, cell.clientWidth])"
    )
    assert edges
    assert all(inner <= outer for inner, outer in edges)
