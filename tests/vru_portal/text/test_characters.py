"""Characters that nobody sees: which are refused, which are removed, and which a script needs."""

import pytest

from vru_portal.text import characters
from vru_portal.text.cleaning import normalise_line, one_line


@pytest.mark.parametrize("character", ["\0", "\x07", "\x0b", "\x7f", "\x9f", "\ud800"])
def test_forbidden_characters_are_found_and_removed(character):
    assert characters.FORBIDDEN.search(f"a{character}b")
    assert characters.remove_forbidden(f"a{character}b") == "ab"
    assert f"U+{ord(character):04X}" in characters.forbidden_character_message(character)


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\r\nb", "é", "😀", "क्\u200dष"])
def test_tabs_line_ends_and_letters_of_any_script_are_allowed(text):
    assert characters.remove_forbidden(text) == text
    assert not any(map(characters.is_invisible, text))


@pytest.mark.parametrize("character", ["\u200b", "\u00ad", "\u202e", "\ufeff"])
def test_characters_that_can_only_hide_something_are_invisible(character):
    assert characters.is_invisible(character)


def test_a_line_has_no_line_breaks_and_no_direction_marks():
    assert one_line("Moor\r\nSubject: x\u202e\0") == "Moor Subject: x"
    assert normalise_line(" Cafe\u0301 \n Moor ") == "Café Moor"
