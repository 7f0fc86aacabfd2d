"""Every text that was in force keeps its address, with its changes and its signatories."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from events.declarations.documents.comparison import comparison_html
from events.declarations.rules import corrections, versions
from tests.support.crawler import Elements
from tests.support.factories import EventFactory, UnitFactory, VersionFactory
from tests.support.signing import invite_and_sign, open_signing

HIDDEN = re.compile(r'<span class="govuk-visually-hidden">[^<]*</span>')
OLD = """Together, we will:

1. **Build strong foundations.** Work with and for the communities.
2. **Stop violence.** Deal with the causes.
3. **Repair harm.** Help people rebuild.

The [plan](https://example.org/old) says more."""
NEW = """Together we will:

1. **Build firm foundations.** Work with the communities.
2. **Stop violence.** Deal with the causes.
3. **Report.** Publish what came of it, each year.

The [plan](https://example.org/new) says more."""


def parts(html):
    """Return what was taken out, what was added, and the text as each version has it."""
    plain = HIDDEN.sub("", html)
    gone, new = re.findall(r"<del>(.*?)</del>", plain), re.findall(r"<ins>(.*?)</ins>", plain)
    return gone, new, re.sub(r"<ins>.*?</ins>", "", plain), re.sub(r"<del>.*?</del>", "", plain)


@pytest.mark.once
def test_a_comparison_marks_the_words_that_differ_and_no_others():
    gone, new, _, _ = parts(comparison_html(OLD, NEW))
    assert gone == [
        ",",
        "strong",
        "and for",
        "Repair harm.",
        "Help people rebuild.",
        " (leads to https://example.org/old)",
    ]
    assert new == ["firm", "Report.", "Publish what came of it, each year.", " (leads to https://example.org/new)"]
    assert "<del" not in comparison_html(OLD, OLD)
    # lines broken elsewhere, and words set bold, are no other words
    assert "<ins" not in comparison_html("One *two* three", "One\ntwo   three")
    assert "(added: " in comparison_html("a", "a b")
    assert "(removed: " in comparison_html("a b", "a")


@pytest.mark.once
def test_a_comparison_numbers_a_list_as_each_text_does():
    html = comparison_html("1. One.\n2. Two.\n3. Three.", "1. One.\n2. Three.")
    assert re.findall(r"<ol(?: start=\"(\d)\")?>", html)[0] == ""
    assert "<del>" in html


@pytest.mark.once
def test_nothing_that_staff_write_becomes_an_element_or_is_hidden_from_the_comparison():
    html = comparison_html("Safe.", "<script>alert(1)</script> <all partners> \ue000\ue001 & [x](javascript:alert)")
    assert "<script" not in html
    assert "javascript" not in re.sub(r"<ins>.*?</ins>", "", html)
    assert "partners" in "".join(parts(html)[1])
    assert "\ue000" not in html


WORDS = st.lists(st.sampled_from(["we", "will", "act.", "**all**", "*now*", "a,b", "&", "1)x", "<b>"]), max_size=8)
TEXTS = st.lists(WORDS.map(" ".join), max_size=4).map("\n\n".join)


@pytest.mark.once
@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_taking_out_what_was_added_gives_the_old_words_and_the_other_way_round(old, new):
    _, _, before, after = parts(comparison_html(old, new))

    def words(html):
        return re.findall(r"\w+", Elements(html).text)

    assert words(after) == words(comparison_html(new, new))
    assert words(before) == words(comparison_html(old, old))


@pytest.fixture
def unit(db):
    UnitFactory()


@pytest.mark.usefixtures("unit")
def test_every_published_text_stays_at_its_address_with_its_signatures(client):
    first = open_signing(text=OLD, note="The first version.")
    invite_and_sign("Only the first", "post@one.example")
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        second = VersionFactory(declaration=first.declaration, number=2, text=NEW)
        versions.publish_version(by=None, version=second)
        invite_and_sign("Only the second", "post@two.example")
        VersionFactory(declaration=first.declaration, number=3, text="A CANARY draft.")
        one, two = (client.get(f"/declaration/versions/{number}/") for number in (1, 2))
        page = Elements(client.get("/declaration/").text)
        assert client.get("/declaration/versions/3/").status_code == 404
    assert ("Only the first" in one.text, "Only the second" in one.text) == (True, False)
    assert ("Only the first" in two.text, "Only the second" in two.text) == (False, True)
    assert "until it was replaced" in one.text
    assert "Version 2</a> is in force now" in one.text
    assert "<ins>" not in one.text
    assert first.sha256 in one.text
    assert "<del>" in two.text
    assert "firm" in two.text
    assert "CANARY" not in one.text + two.text + page.text
    links = page.links("/declaration/")
    assert {"/declaration/versions/1/", "/declaration/versions/2/", "/declaration/versions/2.pdf"} <= links
    assert "Version 2" in page.text
    for number in (0, 9, 10**30):
        assert client.get(f"/declaration/versions/{number}/").status_code == 404


@pytest.mark.django_db
def test_a_newer_text_is_not_put_in_force_from_an_earlier_day_where_the_clock_was_set_back():
    first = open_signing()
    second = VersionFactory(declaration=first.declaration, number=2, text="We will report.")
    with (
        time_machine.travel(timezone.now() - timedelta(days=30)),
        pytest.raises(
            ValidationError, match=r"clock of this portal says that today is .* but version 1 is in force from"
        ),
    ):
        versions.publish_version(by=None, version=second)
    second.refresh_from_db()
    assert second.in_force_from is None


@pytest.mark.usefixtures("unit")
def test_texts_of_an_event_that_is_a_draft_are_not_public(client):
    version = open_signing(text="A CANARY text.")
    version.declaration.event = EventFactory(state="draft")
    version.declaration.save()
    assert client.get(f"/declaration/versions/{version.number}/").status_code == 404
    assert "CANARY" not in client.get("/declaration/").text


@pytest.mark.usefixtures("unit")
def test_a_text_that_only_looks_otherwise_says_so(client):
    first = open_signing(text="We promise.")
    versions.publish_version(
        by=None, version=VersionFactory(declaration=first.declaration, number=2, text="We **promise**.")
    )
    assert "The words are the same" in client.get("/declaration/versions/2/").text


@pytest.mark.django_db
def test_only_signatures_in_force_are_listed_and_counted_beside_the_text(client):
    UnitFactory()
    first = open_signing(number=1, text="One")
    for name in ("Kept", "Also kept", "Gone"):
        entry = invite_and_sign(name, f"post@{name.replace(' ', '')}.example")
    corrections.end_signature(entry=entry)
    page = client.get("/declaration/")
    assert {entry.body.name for entry in page.context["signatures"]} == {"Kept", "Also kept"}
    second = VersionFactory(declaration=first.declaration, number=2, text="Two")
    versions.publish_version(by=None, version=second)
    said = Elements(client.get("/declaration/").text).text
    assert "2 signatures in force" in said
    assert "Version 2 has no signatures in force" in said
    assert "Gone" in Elements(client.get("/declaration/versions/1/").text).text
