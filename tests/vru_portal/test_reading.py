"""Reading takes no write lock: while somebody else writes, every page answers as it does otherwise."""

import pytest

from tests.own_database import answer, migrated_database

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def walked(tmp_path_factory, template, django_db_setup):
    with migrated_database(tmp_path_factory.mktemp("reading") / "var", "reading", template) as values:
        yield answer(values, "-m", "tests.reading")


def test_every_page_is_read_while_somebody_writes(walked, record_property):
    times = "{seconds:.1f} s, beside a writer {seconds_beside:.1f} s".format(**walked)
    record_property("measured", f"{walked['asked']} addresses; every fourth in {times}")
    assert walked["asked"] > 400
    assert walked["wrong"] == []
    # whoever waited for the lock would have been refused; this is what "as fast as otherwise" allows a busy machine
    assert walked["seconds_beside"] < 2 * walked["seconds"] + 5


@pytest.mark.parametrize("page", ["change", "preview", "publish"])
def test_a_page_that_is_made_in_a_writing_transaction_is_found(walked, page):
    """The control."""
    assert [address for address in walked["control"] if address.endswith(f"/{page}/")]
