"""From the first version's tables to today's, with what they held."""

import pytest

from tests.own_database import answer, empty_database

pytestmark = pytest.mark.django_db


def test_a_database_of_the_first_version_comes_to_today_with_its_sums(tmp_path):
    with empty_database(tmp_path / "var", "upgraded") as values:
        found = answer(values, "-m", "tests.upgrades", "upgrade")
    assert {"carried_from_id", "recorded_at", "reverses_id", "reason", "redaction"} <= set(found["old"])
    before, after = found["sums"]
    assert before == after
    assert len(after) == found["standing"] == 3
    assert (found["same"], found["missing"]) == (True, [])


def test_a_database_from_before_anybody_could_sign_comes_to_today_with_its_wordings_and_can_be_signed_in(tmp_path):
    with empty_database(tmp_path / "var", "signing") as values:
        found = answer(values, "-m", "tests.upgrades", "signing")
    before, after = found["wordings"]
    assert before == after
    assert len(after) == 1
    assert found["before"] == ["declarations_declaration"]
    assert (found["entry"], found["faults"]) == (1, [])
