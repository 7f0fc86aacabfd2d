"""The index of everything public: a private database in memory, rebuilt for each version of the content.

The corpus is small, a few thousand pages, so that this takes less than a second and a few megabytes, works the same
beside either database, and neither reading nor writing content waits for it. FTS5, SQLite's full text search, counts
the words and weighs them (BM25: Robertson and Zaragoza, “The Probabilistic Relevance Framework”, 2009).
"""

import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import log

from rapidfuzz import process
from rapidfuzz.distance import OSA

from vru_portal.search.ages import stated_ranges
from vru_portal.search.documents import IndexEntry, SynonymWords
from vru_portal.search.queries import Phrase, Wanted, take_apart
from vru_portal.search.words import STOP_WORDS, joined_words_of, stem_of, words_of

COLUMNS = ("title", "names", "summary", "text")
# The weights of the columns; a smaller rank is a better one.
MATCHING = "SELECT rowid, -bm25(pages, 10.0, 8.0, 4.0, 1.0) FROM pages WHERE pages MATCH ?"
LONG_TEXT = 5_000  # characters
MAX_LONGER_WORDS = 20  # that begin with what was typed
MAX_SIMILAR_WORDS = 10
SHORTEST_SPELLED, LONG_WORD = 4, 8  # letters: shorter words are not corrected; in longer ones, two may be wrong
NAMED = 3.0  # for a page that is named as was typed, beside about 1 to 5 for each word that it has
LEAST = 0.2  # for a word that nearly every page has, or might have, such as the name of the body whose site this is
SIDE_BY_SIDE = 0.3  # of the weight of two words, for a page that has them side by side as they were typed
BEST_BY = 1.5  # times the next one's score: the obvious best answer


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that was found."""

    entry: IndexEntry
    score: float
    has_all: bool  # everything that was looked for, or only some of it
    is_name: bool  # it is named exactly so


@dataclass(frozen=True)
class Findings:
    """What a search found: pages with all that was looked for first, then those with some of it."""

    hits: Sequence[Hit]
    wanted: Sequence[Wanted]
    missed: Sequence[str]  # words that no page has, nor a synonym or a similar word
    whole_list: IndexEntry | None = None  # comes first because nothing in it has all that was looked for

    @property
    def corrected(self) -> list[tuple[str, str]]:
        """Words that no page has, each with the one that was taken instead."""
        return [(one.typed, one.meant) for one in self.wanted if one.meant]

    @property
    def best(self) -> Hit | None:
        """The obvious best answer, if there is one."""
        if not self.hits or not self.hits[0].has_all:
            return None
        first, *others = [hit for hit in self.hits[:2] if hit.has_all]
        if first.is_name != any(other.is_name for other in others):
            return first if first.is_name else None
        return first if all(first.score > BEST_BY * other.score for other in others) else None


class Index:
    """Pages, and the words by which they are found. Nothing changes it once it is made; threads share it."""

    def __init__(
        self, entries: Iterable[IndexEntry], synonyms: Iterable[SynonymWords] = (), own_names: Iterable[str] = ()
    ) -> None:
        self.entries = list(entries)
        synonyms = list(synonyms)
        self.synonyms = phrases_by_phrase(synonyms)
        self.own_names = frozenset(map(phrase_of, own_names))
        self.names: list[list[frozenset[str]]] = []  # for each page, the stems of each of its names
        self.lists: dict[str, int] = {}  # pages that are no records, by each single word that names one
        stem_by_word: dict[str, str] = {}
        rows = []
        for number, entry in enumerate(self.entries):
            document = entry.document
            columns = (document.title, "\n".join(document.names), document.summary, document.text)
            row = [compared(column) if len(column) < LONG_TEXT else compared_once(column) for column in columns]
            rows.append((number, *(stems for stems, _ in row)))
            for _, stems_of_words in row:
                stem_by_word.update(stems_of_words)
            self.names.append([name_of(name) for name in (document.title, *document.names)])
            if entry.lists is not None:
                names = map(phrase_of, (document.title, *document.names))
                self.lists |= {phrase[0]: number for phrase in names if len(phrase) == 1}
            entry.ages.extend(stated_ranges(f"{document.summary}\n{document.text}"))
        self.words = sorted(stem_by_word)
        self.stems = frozenset(stem_by_word.values())
        typed = {words[0] for synonym in synonyms for text in synonym.typed if len(words := words_of(text)) == 1}
        self.spelled = [
            word
            for word in {*self.words, *typed} - STOP_WORDS
            if len(word) >= SHORTEST_SPELLED and not word[0].isdigit()
        ]
        self.lock = threading.Lock()
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        # The words are as they should be compared already: this only has to find where each ends.
        self.database.execute(
            f"CREATE VIRTUAL TABLE pages USING fts5({', '.join(COLUMNS)}, content='', "
            "tokenize=\"unicode61 remove_diacritics 0 tokenchars '.'\")"
        )
        self.database.executemany("INSERT INTO pages (rowid, title, names, summary, text) VALUES (?, ?, ?, ?, ?)", rows)

    # What the words of a search may mean ------------------------------------------------------------------------------

    def has(self, stem: str) -> bool:
        return stem in self.stems

    def has_phrase(self, phrase: Phrase) -> bool:
        return self.stems.issuperset(phrase) and any(self._pages_with_any([phrase]))

    def beginning_with(self, word: str) -> list[str]:
        place = bisect_left(self.words, word)
        found = self.words[place : place + MAX_LONGER_WORDS]
        return [longer for longer in found if longer.startswith(word) and longer != word]

    def similar_to(self, word: str) -> list[str]:
        """Words that differ by a letter, or by two if it is long; neighbours that changed places are one difference.

        In the shortest words a letter may be missing or out of place, but not another one: “hate” is not “late”.
        """
        if len(word) < SHORTEST_SPELLED or word[0].isdigit():
            return []
        most = 1 if len(word) < LONG_WORD else 2
        found = process.extract(
            word, self.spelled, scorer=OSA.distance, score_cutoff=most, limit=MAX_SIMILAR_WORDS, processor=None
        )
        if len(word) == SHORTEST_SPELLED:
            found = [one for one in found if len(one[0]) > len(word) or sorted(one[0]) == sorted(word)]
        nearest = min((distance for _, distance, _ in found), default=0)
        return sorted(similar for similar, distance, _ in found if distance == nearest)

    # Finding ----------------------------------------------------------------------------------------------------------

    def find(self, typed: str) -> Findings:
        """The pages that somebody who typed this looks for, the best first."""
        wanted = take_apart(typed, self)
        list_page = self._list_of(wanted)
        listed = self.entries[list_page].lists or () if list_page is not None else ()
        scores: dict[int, float] = {}
        counts: dict[int, int] = {}
        missed = []
        for one in wanted:
            found = self._pages_with(one)
            if one.is_head:
                found |= {n: 1.0 for n, entry in enumerate(self.entries) if entry.searchable.kind in listed}
            if not found:
                missed.append(one.typed)
            importance = max(LEAST, len(one.stems) * log(1 + len(self.entries) / (1 + len(found))))
            for page, closeness in found.items():
                scores[page] = scores.get(page, 0) + (LEAST if one.is_own_name else importance) * closeness
                counts[page] = counts.get(page, 0) + (not one.is_own_name)
        self._add_side_by_side(scores, wanted)
        stems = [stems for one in wanted for stems in one.stems]
        sought = [stems for one in wanted if not one.is_own_name for stems in one.stems]
        number_sought = sum(not one.is_own_name for one in wanted)
        hits = []
        for page, score in scores.items():
            entry, likeness = self.entries[page], self._likeness(page, stems)
            is_name = likeness == 1
            if not is_name and len(sought) < len(stems):
                likeness = self._likeness(page, sought)
            total = (score + NAMED * likeness) * entry.searchable.weight
            hits.append(Hit(entry, total, counts[page] == number_sought, is_name))
        hits.sort(key=lambda hit: (not hit.has_all, -hit.score, hit.entry.document.title))
        whole_list = None
        if list_page is not None:
            entry = self.entries[list_page]
            narrowed = any(one.narrowed_by_preposition for one in wanted)
            hits, whole = list_first(hits, entry, narrowed=narrowed)
            whole_list = entry if whole else None
        return Findings(once_each(hits), wanted, missed, whole_list)

    def _list_of(self, wanted: Sequence[Wanted]) -> int | None:
        """The page that lists what is looked for, if something narrows it down: “events” of “events in Leeds”."""
        if sum(not one.is_own_name for one in wanted) < 2:
            return None
        heads = [one for one in wanted if one.is_head and len(one.stems) == 1]  # a “violent partner” is no partner
        stems = {stem for one in heads for stem in one.stems[0]}
        return next((self.lists[stem] for stem in sorted(stems & self.lists.keys())), None)

    def _add_side_by_side(self, scores: dict[int, float], wanted: Sequence[Wanted]) -> None:
        """Prefer pages that have words side by side as they were typed: “chief executive” to a chief of executives."""
        words = [(one, stems) for one in wanted for stems in one.stems]
        for (former, first), (latter, second) in pairwise(words):
            if former.is_own_name or latter.is_own_name:
                continue
            found = dict(self._pages_with_any([(one, other) for one in first for other in second]))
            for page in found.keys() & scores.keys():
                scores[page] += SIDE_BY_SIDE * log(1 + len(self.entries) / (1 + len(found)))

    def _pages_with(self, one: Wanted) -> dict[int, float]:
        """The pages that have one thing that was looked for, each with how well it fits, from 0 to 1."""
        best: dict[int, float] = {}
        for weight in sorted(set(one.phrases.values())):
            phrases = [phrase for phrase, of_phrase in one.phrases.items() if of_phrase == weight]
            for page, closeness in self._pages_with_any(phrases):
                best[page] = max(best.get(page, 0), weight * closeness)
        if one.age is not None:
            for page, entry in enumerate(self.entries):
                if any(first <= one.age <= last for first, last in entry.ages):
                    best[page] = 1
        return best

    def _pages_with_any(self, phrases: Sequence[Phrase]) -> Iterator[tuple[int, float]]:
        """Yield the pages that have one of these phrases, with how well they fit, from 0.3 to 1."""
        if not phrases:
            return
        expression = " OR ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
        with self.lock:
            rows = self.database.execute(MATCHING, [expression]).fetchall()
        most = max((rank for _, rank in rows), default=0)
        for page, rank in rows:
            yield page, 0.3 + 0.7 * rank / most if most > 0 else 1

    def _likeness(self, page: int, stems: Sequence[set[str]]) -> float:
        """How much of a page's name was typed, and how much of what was typed is in its name, from 0 to 1."""
        most = 0.0
        for name in self.names[page]:
            shared = sum(1 for typed in stems if typed & name)
            if shared:
                most = max(most, 2 * shared / (len(stems) + len(name)))
        return most * most


def compared(text: str) -> tuple[str, dict[str, str]]:
    """A text as it is compared, and the stem of each of its words."""
    words = [*words_of(text), *joined_words_of(text)]
    stems = {word: stem_of(word) for word in words}
    return " ".join(stems[word] for word in words), stems


compared_once = lru_cache(maxsize=1_000)(compared)  # the text of a document takes long, and never changes


def name_of(text: str) -> frozenset[str]:
    """The stems of a name, without words that say nothing, unless it has no others."""
    words = words_of(text)
    return frozenset(stem_of(word) for word in words if word not in STOP_WORDS) or frozenset(map(stem_of, words))


def list_first(hits: Sequence[Hit], list_page: IndexEntry, *, narrowed: bool) -> tuple[list[Hit], bool]:
    """First the records of a list that have all that narrows it down; if there are none, the list itself.

    Returns with the hits whether it is the whole list that comes first.
    """

    def fits(hit: Hit) -> bool:
        return hit.has_all and (hit.is_name or hit.entry.searchable.kind in (list_page.lists or ()))

    if any(map(fits, hits)):
        return sorted(hits, key=lambda hit: not fits(hit)), False
    if narrowed or (list_page.lists and not any(hit.has_all for hit in hits)):
        itself = next(hit for hit in hits if hit.entry is list_page)
        others = [hit for hit in hits if hit is not itself]
        is_list = bool(list_page.lists)
        return [replace(itself, has_all=itself.has_all or is_list), *others], is_list and not itself.has_all
    return list(hits), False


def once_each(hits: Iterable[Hit]) -> list[Hit]:
    """The hits without those whose page has been found already, by another part of it."""
    by_address: dict[str, Hit] = {}
    for hit in hits:
        by_address.setdefault(hit.entry.document.address, hit)
    return list(by_address.values())


def phrase_of(text: str) -> Phrase:
    return tuple(map(stem_of, words_of(text)))


def phrases_by_phrase(synonyms: Iterable[SynonymWords]) -> dict[Phrase, list[Phrase]]:
    """Map the stems of what visitors type to the stems of what pages say."""
    found: dict[Phrase, list[Phrase]] = {}
    for synonym in synonyms:
        phrases = [phrase for text in synonym.found if (phrase := phrase_of(text))]
        for typed in synonym.typed:
            if phrase := phrase_of(typed):
                found.setdefault(phrase, []).extend(phrases)
    return found
