"""What is stored of text that was typed or pasted, and which texts count as the same."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from vru_portal.text.cleaning import fold, normalise_email, normalise_line, normalise_reference, normalise_text
from vru_portal.text.form_fields import EmailAddressFormField

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "character", ["\u200b", "\u00ad", "\ufeff", "\u2060", "\u202e", "\u3164", "\u2800", "\U000e0041"]
)
def test_a_character_without_a_shape_is_taken_out_of_lines_texts_and_addresses(character):
    assert normalise_line(f"{character}Moor{character} Trust") == "Moor Trust"
    assert normalise_text(f"Moor{character}\nTrust") == "Moor\nTrust"
    assert normalise_email(f"moor@example.org{character}") == "moor@example.org"
    assert normalise_line(character) == ""


@pytest.mark.parametrize("character", ["\u200c", "\u200d", "\ufe0f", "\U000e0100"])
def test_joiners_alone_are_not_text_and_do_not_make_two_texts_differ(character):
    assert normalise_line(f"{character} {character}") == normalise_text(character) == ""
    assert normalise_line(f"Moor {character}Trust") == "Moor Trust"
    assert fold(f"Moor{character} Trust") == fold("Moor Trust")
    assert normalise_email(f"jane@exa{character}mple.org") == "jane@example.org"
    assert normalise_reference(f"INV{character}-1") == "INV-1"


@pytest.mark.parametrize(
    "text", ["1\ufe0f\u20e3 Moor", "क्\u200dष", "می\u200cخواهم", "👩\u200d🔬", "❤\ufe0f", f"{ENGLAND} Moor", "王小明"]
)
def test_what_a_script_or_an_emoji_needs_stays(text):
    assert normalise_line(text) == normalise_text(text) == text


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\u2028", "\u2029", "\x85"])
def test_every_kind_of_line_break_is_one_in_a_text(line_break):
    assert normalise_text(f"One{line_break}two") == "One\ntwo"


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "jane@example.org",
            " jane@example.org ",
            "mailto:jane@example.org",
            "<jane@example.org>",
            "jane@example.org;",
        ),
        *(
            "jane@example.org.",
            "jane@example.org\u2026",
            "jane@example.org:",
            "jane @example.org",
            "(jane@example.org)",
        ),
        *("MAILTO:jane@example.org", "mailto:jane@example.org?subject=Hello", "<mailto:jane@example.org>"),
        *("Jane Lee <jane@example.org>", '"Lee, Jane" <jane@example.org>;', "\u201cjane@example.org\u201d"),
        *("jane＠example.org", "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｏｒｇ", "jane@example\u3002org", "'jane@example.org'"),
        *("< jane@example.org >", "jane@ example.org", "mailto:jane%40example.org", "Jane <mailto:jane@example.org>"),
    ],
)
def test_an_email_address_is_stored_without_what_a_paste_brings_along(typed):
    assert normalise_email(typed) == "jane@example.org"


@pytest.mark.parametrize(
    "typed", ["Jane.O'Neill@example.org", '"jane lee"@example.org', "a@b.org>c@d.org", "a+b@example.org"]
)
def test_what_belongs_to_an_email_address_stays(typed):
    assert normalise_email(typed) == typed


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("jane.o\u2019neill@example.org", "jane.o'neill@example.org"),  # as a phone has it
        ("mary\u2011ann@example.org", "mary-ann@example.org"),
        ("mailto:jane%2Bmoor@example.org", "jane+moor@example.org"),
    ],
)
def test_what_programs_made_of_an_email_address_is_undone(typed, stored):
    assert normalise_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["Jane Lee jane@example.org", "jane lee@example.org", "jane@exam ple.org", "jane@b.org ann@b.org"],
)
def test_an_email_address_with_something_beside_it_is_refused_and_never_made_another(typed):
    with pytest.raises(ValidationError):
        EmailAddressFormField().clean(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O’Neill Trust", "O'Neill Trust"),
        ("O`Neill Trust", "O´Neill Trust"),
        ("O\u02bbNeill Trust", "O\u201aNeill Trust"),
        ("„Moor“", '"Moor"'),
        ("Moor–Trust", "Moor-Trust"),
        ("EXAMPLE\u20431", "EXAMPLE-1"),
        ("Moor  Trust", "Moor\u00a0Trust"),
        ("EXAMPLE-00001", "example‑00001"),
        ("ＭＯＯＲ", "Moor"),
        ("“Moor”", '"Moor"'),
        ("Cafe\u0301", "Café"),
        ("Moor\u200b\u200dTrust", "MoorTrust"),
        ("Straße", "STRASSE"),
    ],
)
def test_texts_that_look_alike_are_equal_when_folded(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("Café", "Cafe"), ("Moor Trust", "MoorTrust"), ("Moor 1", "Moor I")])
def test_texts_that_differ_to_a_reader_stay_different(one, other):
    assert fold(one) != fold(other)


@given(st.text())
def test_cleaning_and_folding_twice_change_nothing_more(text):
    for clean in (normalise_line, normalise_text, normalise_email, fold):
        assert clean(clean(text)) == clean(text)
