"""What a visitor types and what a page says are the same words, however either is written."""

import pytest

from vru_portal.search.ages import age_at, stated_ranges
from vru_portal.search.days import date_at, dates_in
from vru_portal.search.words import joined_words_of, stem_of, words_in, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Commissioner's", "commissioner"),
        ("O’Neill", "ONeill"),
        ("A&E", "a and e"),
        ("A & E", "AE"),
        ("café", "CAFE"),
        ("mentors", "mentoring"),
        ("gangs?", "gang"),
        ("IRIS.", "iris"),
        ("£524,000", "524000"),
        ("high-crime", "high crime"),
        ("don't", "dont"),
        ("£524k", "£524,000"),
        ("£3.5k", "3500"),
        ("2/10/2019", "2 October 2019"),
        ("02.10.2019", "2 October 2019"),
        ("2/10/19", "2nd of October 2019"),
        ("2nd", "2"),
        ("2019-10-02", "October 2nd, 2019"),
        ("20191002", "2 OCT 2019"),
        ("ਹਿੰਸਾ", "ਹਿੰਸਾ."),
    ],
)
def test_these_are_the_same(one, other):
    assert [*map(stem_of, words_of(one))] == [*map(stem_of, words_of(other))]


@pytest.mark.parametrize(
    "text", ["", " ", '"', "*", ":*", "&", "()", "'''", "NEAR(", "\ud800", "🚶", "_", "a" * 10_000]
)
def test_anything_has_words_or_none(text):
    assert all(word and len(word) <= 40 for word in words_of(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("£3.37m", ["3.37", "m"]),  # and “£3.37 million”, of which it is short for
        ("14yo on the 2nd at 10km", ["14yo", "on", "the", "2", "at", "10km"]),
        ("ਘਰੇਲੂ ਹਿੰਸਾ, বাংলা", ["ਘਰਲ", "ਹਸ", "বল"]),  # signs of vowels neither end a word nor count
    ],
)
def test_what_is_a_word(text, words):
    assert words_of(text) == words


def test_words_have_their_positions():
    text = "The A&E’s mentors"
    assert [(text[word.start : word.end], word.word) for word in words_in(text)] == [
        ("The", "the"), ("A&E", "ae"), ("s", "s"), ("mentors", "mentors"),
    ]  # fmt: skip


def test_a_date_has_the_places_of_its_parts():
    text = "on 2019-10-02"
    assert [(text[word.start : word.end], word.word) for word in words_in(text)] == [
        ("on", "on"), ("02", "2"), ("10", "october"), ("2019", "2019"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["31/2/2019", "2019-20", "0121 626 5322", "1/2/10/2019", "aged 10 to 18"])
def test_what_is_no_date(text):
    assert dates_in(text) == []


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("2 october 2019", ("2", "october", "2019")),
        ("2 oct at noon", ("2", "october")),
        ("october 2", ("2", "october")),
        ("october 2019", ("october", "2019")),
        ("october", None),
        ("14 year old", None),
        ("may be", None),
    ],
)
def test_the_date_that_words_state(text, stated):
    found = date_at(text.split(), 0)
    assert found == (stated and (stated, len(stated)))


def test_hyphens_join_words_too():
    assert joined_words_of("re-offending and well-known") == ["reoffending", "wellknown"]


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("aged 10 to 18 who", [(10, 18)]),
        ("aged 10 - 18", [(10, 18)]),
        ("ages 10–18", [(10, 18)]),
        ("11-16 year olds", [(11, 16)]),
        ("between 5 and 9", [(5, 9)]),
        ("under 18s", [(0, 17)]),
        ("under-25s", [(0, 24)]),
        ("aged 18 or over", [(18, 120)]),
        ("65 and over", [(65, 120)]),
        ("items 3 to 5", []),
        ("under 18% of", []),
        ("in 2019 to 2020", []),
        ("aged 18 to 10", []),
    ],
)
def test_ages_that_a_text_states(text, ranges):
    assert stated_ranges(text) == ranges


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("14", (14, 1)),
        ("14 year old", (14, 3)),
        ("14yo", (14, 1)),
        ("aged 14 boy", (14, 2)),
        ("2019", None),
        ("121", None),
        ("2 october 2019", None),
        ("2 oct", None),
    ],
)
def test_an_age_that_somebody_types(words, found):
    assert age_at(words.split(), 0) == found


def test_a_word_without_a_number_is_not_an_age():
    assert age_at(["age"], 0) is None
    assert age_at(["aged", "care"], 0) is None
