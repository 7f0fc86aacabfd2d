"""Reading takes no write lock: while somebody else writes, every page answers as it does otherwise."""

import pytest

from tests.support.processes.databases import migrated_database, run_python_for_json

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def walked(tmp_path_factory, template, django_db_setup):
    with migrated_database(tmp_path_factory.mktemp("reading") / "var", "reading", template) as values:
        yield run_python_for_json(values, "-m", "tests.support.processes.reading")


def test_every_page_is_read_while_somebody_writes(walked):
    assert walked["asked"] > 400
    assert walked["wrong"] == []  # a request that waited for the lock would have been refused


@pytest.mark.parametrize("page", ["change", "preview", "publish"])
def test_a_page_that_is_made_in_a_writing_transaction_is_found(walked, page):
    """The control."""
    assert [address for address in walked["control"] if address.endswith(f"/{page}/")]
