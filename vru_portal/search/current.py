"""The index as it is kept: one in each process, made from what is public now and rebuilt when that has changed.

While the content changes all the time, as when an import runs or many people sign, the index is not rebuilt each
time: an older one answers for twenty times as long as it takes to make one. What it finds is then read once more from
the database, so that a page which is no longer public is never shown.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from django.db import connection
from django.utils import timezone

from vru_portal.ledger.content_version import content_version
from vru_portal.search.documents import IndexEntry, Searchable, SynonymWords
from vru_portal.search.index import Hit, Index

REST_FACTOR = 20  # after a rebuild, wait this many times what it took
State = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """An index, the state of the content that it was made from, and when it may be rebuilt."""

    index: Index
    state: State
    next_at: float


class CurrentIndex:
    """The index of this process."""

    def __init__(
        self,
        searchables: Sequence[Searchable],
        pages: Callable[[], Iterable[IndexEntry]],
        synonyms: Callable[[], list[SynonymWords]],
        own_names: Callable[[], Sequence[str]] = list,
    ) -> None:
        self.searchables, self.pages, self.synonyms, self.own_names = searchables, pages, synonyms, own_names
        self.kept: Kept | None = None
        self.making = threading.Lock()

    def get(self) -> tuple[Index, bool]:
        """The index, and whether it is of the present content. Callers wait only for the first of a process."""
        if connection.in_atomic_block:  # which may see what has not happened yet, and perhaps never will
            return self.make(), True
        state = content_version(), timezone.localdate().isoformat()
        kept = self.kept
        if kept and (kept.state == state or monotonic() < kept.next_at):
            return kept.index, kept.state == state
        if not self.making.acquire(blocking=kept is None):
            return kept.index, False  # type: ignore[union-attr]  # it did not wait, so there is one
        try:
            if self.kept is None or self.kept.state != state:
                began = monotonic()
                index = self.make()
                self.kept = Kept(index, state, monotonic() + REST_FACTOR * (monotonic() - began))
            return self.kept.index, True
        finally:
            self.making.release()

    def make(self) -> Index:
        return Index([*self.pages(), *self.entries()], self.synonyms(), self.own_names())

    def entries(self) -> Iterator[IndexEntry]:
        for searchable in self.searchables:
            for row in searchable.rows():
                yield IndexEntry(searchable.document(row), searchable, row.pk)


def still_public(hits: Sequence[Hit]) -> list[Hit]:
    """The hits of an older index as they are now, without those that are no longer public."""
    keys = defaultdict(list)
    for hit in hits:
        if hit.entry.key is not None:
            keys[hit.entry.searchable].append(hit.entry.key)
    now = {
        (searchable, row.pk): searchable.document(row)
        for searchable, wanted in keys.items()
        for row in searchable.rows().filter(pk__in=wanted)
    }
    return [
        hit
        if hit.entry.key is None
        else replace(hit, entry=replace(hit.entry, document=now[hit.entry.searchable, hit.entry.key]))
        for hit in hits
        if hit.entry.key is None or (hit.entry.searchable, hit.entry.key) in now
    ]
