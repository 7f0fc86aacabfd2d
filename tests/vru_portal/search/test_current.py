"""The index of a process: of the present content, made once for it, and never a reason to wait or to show a draft."""

import threading
from unittest.mock import Mock

import pytest

from programmes.models import Initiative
from programmes.searchable import SEARCHABLES
from tests.support.factories import InitiativeFactory
from vru_portal.publishing.state import State
from vru_portal.search import current
from vru_portal.search.current import CurrentIndex, Kept, still_public
from vru_portal.search.index import Index

INITIATIVES = SEARCHABLES[:1]


@pytest.fixture
def outside(monkeypatch):
    """As if no transaction were open; the version of the content is what a test says."""
    version = Mock(return_value="one")
    monkeypatch.setattr(current, "connection", Mock(in_atomic_block=False))
    monkeypatch.setattr(current, "content_version", version)
    return version


def counted():
    """Return an index that makes itself of nothing, and how often it has."""
    kept = CurrentIndex((), lambda: (), list)
    kept.make = Mock(side_effect=lambda: Index(()))  # type: ignore[method-assign]
    return kept


@pytest.mark.usefixtures("outside")
def test_one_index_for_one_state_of_the_content():
    kept = counted()
    first, fresh = kept.get()
    assert fresh
    assert kept.get() == (first, True)
    assert kept.make.call_count == 1


def test_a_changed_content_has_another_index_once_the_last_one_has_rested(outside, monkeypatch):
    kept = counted()
    first, _ = kept.get()
    outside.return_value = "two"
    kept.kept = Kept(first, kept.kept.state, next_at=float("inf"))
    assert kept.get() == (first, False)
    kept.kept = Kept(first, kept.kept.state, next_at=0)
    second, fresh = kept.get()
    assert fresh
    assert second is not first


def test_nobody_waits_while_another_one_is_made(outside):
    kept = counted()
    first, _ = kept.get()
    outside.return_value = "two"
    kept.kept = Kept(first, kept.kept.state, next_at=0)
    with kept.making:
        assert kept.get() == (first, False)


@pytest.mark.usefixtures("outside")
def test_several_who_ask_first_share_one_index():
    kept = counted()
    threads = [threading.Thread(target=kept.get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.make.call_count == 1


@pytest.mark.django_db
def test_what_an_older_index_finds_is_read_again():
    kept = CurrentIndex(INITIATIVES, lambda: (), list)
    InitiativeFactory(name="Moor walk", slug="moor-walk")
    InitiativeFactory(name="Moor run", slug="moor-run")
    hits = kept.make().find("moor").hits
    assert len(hits) == 2
    Initiative.objects.filter(slug="moor-run").update(state=State.DRAFT)
    Initiative.objects.filter(slug="moor-walk").update(name="Moor stroll")
    assert [hit.entry.document.title for hit in still_public(hits)] == ["Moor stroll"]


@pytest.mark.django_db
def test_inside_a_transaction_nothing_is_kept():
    kept = CurrentIndex(INITIATIVES, lambda: (), list)
    InitiativeFactory(name="Moor walk")
    assert len(kept.get()[0].entries) == 1
    InitiativeFactory(name="Moor run")
    assert len(kept.get()[0].entries) == 2
    assert kept.kept is None
