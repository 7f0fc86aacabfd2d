"""Searches in the database find what looks the same, however it was typed. On both databases, which compare unlike."""

import pytest

from partners.models import Organisation
from tests.support.factories import OrganisationFactory
from vru_portal.text.folded_search import FOLDED_RANGES, fold_for_search, folded_pattern, search_terms

pytestmark = pytest.mark.django_db
STORED = (
    "O\u2019Neill Trust",
    "Wells\u2013next\u2013the\u2013Sea",
    "Café Ünder Łódź",
    "ΑΘΗΝΑ",
    "Straße [50%_] C\\D ^x",
)
FOUND = [
    ("O'Neill Trust", 0),
    ("o\u02bcneill  trust", 0),
    ("ONEILL", 0),
    ("O`Neill\u200b", 0),
    ("\uff2f'\uff2eeill", 0),
    ("wells-next-the-sea", 1),
    ("Wells\u2010next\u2014the\u2212sea", 1),
    ("cafe", 2),
    ("CAFÉ", 2),
    ("Cafe\u0301", 2),
    ("UNDER", 2),
    ("ŁODZ", 2),
    ("αθήνα", 3),
    ("straße", 4),
    ("[50%_]", 4),
    ("c\\d", 4),
    ("^x", 4),
]


@pytest.mark.both
@pytest.mark.parametrize(("typed", "place"), FOUND)
def test_texts_that_look_alike_are_found_in_the_database(typed, place):
    for name in STORED:
        OrganisationFactory(name=name)
    rows = Organisation.objects.all()
    for word in search_terms(typed):
        rows = rows.filter(name__folded_contains=word)
    assert [row.name for row in rows] == [STORED[place]]


@pytest.mark.both
def test_signs_have_no_meaning_of_their_own():
    OrganisationFactory(name="Moor Trust")
    for typed in ("%", "_oor", "M.*r", "[a-z]", "M|T", "$", "(", "\\", "***:", "]", "Moor-Trust", '"'):
        assert not Organisation.objects.filter(name__folded_contains=typed).exists(), typed


@pytest.mark.both
def test_every_letter_is_found_by_its_folded_form_and_by_itself():
    letters = "".join(c for c in map(chr, FOLDED_RANGES) if c.isalpha())
    for start in range(0, len(letters), 100):
        text = letters[start : start + 100]
        row = OrganisationFactory(summary=text)
        for typed in (text, fold_for_search(text)):
            assert row in Organisation.objects.filter(summary__folded_contains=typed), text


def test_the_longest_search_makes_no_pattern_that_a_database_refuses():
    assert len(folded_pattern("a" * 200)) < 100_000
