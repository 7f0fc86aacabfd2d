"""The entries of organisations in the search index."""

import pytest

from partners.searchable import initials_of


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Office of the Police and Crime Commissioner", "OPCC"),
        ("Downland City Council", "DCC"),
        ("The Riverside Trust", ""),
        ("Shelter", ""),
        ("St. Mary's Youth Club", "SMYC"),
        ("", ""),
    ],
)
def test_a_long_name_is_also_found_by_its_initials(name, initials):
    assert initials_of(name) == initials
