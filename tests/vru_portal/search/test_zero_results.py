"""Words that no page has are counted, without anything that may say something about somebody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.factories import SynonymFactory, UnitFactory
from vru_portal.models import MissedWord
from vru_portal.search import zero_results

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def counts():
    return dict(MissedWord.objects.values_list("word", "count"))


def test_words_are_counted_by_the_timer_and_not_during_the_search(django_assert_num_queries):
    with django_assert_num_queries(0):
        zero_results.note("xylophone lessons", ["xylophone", "lessons"])
        zero_results.note("Xylophone", ["xylophone"])
    assert counts() == {}
    zero_results.count_missed_words()
    assert counts() == {"xylophone": 2, "lessons": 1}
    zero_results.note("xylophone", ["xylophone"])
    zero_results.count_missed_words()
    zero_results.count_missed_words()
    assert counts() == {"xylophone": 3, "lessons": 1}


@pytest.mark.parametrize(
    "typed",
    [
        "write to zoe@example.org",
        "07700 900123 zoe",
        "john Smithson",
        "zoe of 14 Xanadu Road",
        "https://example.org zoe",
        "my neighbour zoe has been very cruel to us",
    ],
)
def test_nothing_is_noted_of_a_search_that_may_be_about_somebody(typed):
    zero_results.note(typed, ["zoe", "smithson", "xanadu"])
    assert not zero_results.waiting().exists()


@pytest.mark.parametrize("word", ["ab", "a" * 31, "zoë", "07700", "x1", "../x", "a\nb", ""])
def test_only_plain_words_are_noted(word):
    zero_results.note("plain", [word])
    assert not zero_results.waiting().exists()


def test_a_run_that_was_interrupted_is_finished_by_the_next(settings):
    zero_results.note("xylophone", ["xylophone"])
    zero_results.waiting().rename(zero_results.waiting().with_suffix(".taken"))
    zero_results.note("lessons", ["lessons"])
    zero_results.count_missed_words()
    assert counts() == {"xylophone": 1}
    zero_results.count_missed_words()
    assert counts() == {"xylophone": 1, "lessons": 1}


def test_neither_the_file_nor_the_table_grows_without_end(monkeypatch):
    monkeypatch.setattr(zero_results, "MAX_BYTES", 100)
    monkeypatch.setattr(zero_results, "MAX_MISSED_WORDS", 5)
    for number in range(100):
        word = f"word{chr(97 + number // 26)}{chr(97 + number % 26)}"
        zero_results.note(word, [word])
    assert zero_results.waiting().stat().st_size < 120
    zero_results.count_missed_words()
    assert MissedWord.objects.count() == 5


def test_old_and_rare_words_are_forgotten():
    today = timezone.localdate()
    for word, count, days in (("old", 99, 366), ("rare", 2, 31), ("kept", 3, 31), ("new", 1, 1)):
        MissedWord.objects.create(word=word, count=count, last_on=today - timedelta(days=days))
    zero_results.count_missed_words()
    assert set(counts()) == {"kept", "new"}


def test_a_search_works_when_the_disk_is_full(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "not there"
    zero_results.note("xylophone", ["xylophone"])


def test_the_start_page_names_what_was_missed_several_times_and_has_no_synonym_yet(admin_client):
    today = timezone.localdate()
    for word, count, days in (("xylophone", 5, 0), ("harp", 2, 0), ("lute", 9, 31), ("drum", 9, 1)):
        MissedWord.objects.create(word=word, count=count, last_on=today - timedelta(days=days))
    SynonymFactory(typed="drum", found="walkers")
    UnitFactory()
    page = admin_client.get("/admin/").text
    assert "xylophone (5)." in page
    assert not [word for word in ("harp", "lute", "drum") if word in page]
    assert 'href="/admin/programmes/synonym/add/"' in page
    MissedWord.objects.filter(word="xylophone").delete()
    assert "Visitors searched for words" not in admin_client.get("/admin/").text
