"""What somebody typed, taken apart: each thing that they look for, with all the words that pages may have for it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from vru_portal.search.ages import ADULT, age_at
from vru_portal.search.days import YEAR, date_at
from vru_portal.search.words import STOP_WORDS, joined_words_of, stem_of, words_of

MAX_CHARACTERS = 200
MAX_WORDS = 12
SHORTEST_PREFIX = 3
PREFIX, SYNONYM, CORRECTED, OF_THAT_AGE = 0.5, 0.7, 0.8, 0.35  # beside 1 for the word itself
ADULTS, CHILDREN = ("adult",), ("child", "children", "young", "youth", "pupil")
# What follows one of these says more about what stands before it: “projects” are wanted in “projects near Coventry”.
PREPOSITIONS = frozenset(
    ("about", "around", "at", "by", "for", "from", "in", "near", "of", "on", "to", "with", "within")
)

Phrase = tuple[str, ...]  # stems that are side by side


class Vocabulary(Protocol):
    """The words that the index knows."""

    @property
    def synonyms(self) -> Mapping[Phrase, Sequence[Phrase]]:
        """What pages say, by what visitors type."""

    @property
    def own_names(self) -> Collection[Phrase]:
        """The names of the body that runs this site."""

    def has(self, stem: str) -> bool:
        """Whether any page has a word of this stem."""

    def beginning_with(self, word: str) -> Iterable[str]:
        """The words on pages that begin with these letters."""

    def has_phrase(self, phrase: Phrase) -> bool:
        """Whether any page has words of these stems side by side."""

    def similar_to(self, word: str) -> Sequence[str]:
        """The words on pages, and synonyms, that somebody who typed this one may have meant."""


@dataclass
class Wanted:
    """One thing that somebody looks for."""

    typed: str
    phrases: dict[Phrase, float] = field(default_factory=dict)  # what pages may call it, each with its weight
    age: int | None = None
    meant: str = ""  # the word that was taken instead, if no page has the one that was typed
    is_own_name: bool = False  # of the body whose site this is, beside what is looked for on it

    is_head: bool = False  # what is looked for, which the other words narrow down
    narrowed_by_preposition: bool = False

    def add(self, phrase: Phrase, weight: float) -> None:
        self.phrases[phrase] = max(weight, self.phrases.get(phrase, 0))

    @property
    def stems(self) -> list[set[str]]:
        """For each word that was typed, its stems, or those of what was meant, without their synonyms."""
        typed = [phrase for phrase, weight in self.phrases.items() if weight >= CORRECTED]
        whole = next((phrase for phrase in typed if len(phrase) > 1), ())
        return [{stem} for stem in whole] or [{phrase[0] for phrase in typed}]


def take_apart(typed: str, vocabulary: Vocabulary) -> list[Wanted]:
    """The things that somebody looks for, each once, in their order.

    Words that say nothing are left out, unless there are no others.
    """
    text = typed[:MAX_CHARACTERS]
    words = words_of(text)
    covering = list(places_of(vocabulary.synonyms, words))
    own = {place for begin, end, _ in places_of(vocabulary.own_names, words) for place in range(begin, end)}
    if all(place in own or is_stop_word(word) for place, word in enumerate(words)):
        own = set()  # it is what they look for
    head, narrowed = head_of(words)
    wanted: list[Wanted] = []
    said: set[str] = set()
    only_stop_words = all(word in STOP_WORDS for word in words)
    place = 0
    while place < len(words) and len(wanted) < MAX_WORDS:
        word, taken = words[place], 1
        if (stated := date_at(words, place)) and vocabulary.has_phrase(tuple(map(stem_of, stated[0]))):
            day, taken = stated
            one = with_phrase(day)
        elif age := age_at(words, place):
            years, taken = age
            one = with_age(years)
        elif (is_stop_word(word) and not only_stop_words) or stem_of(word) in said:
            place += 1
            continue
        elif phrase := longest_at(place, words, covering):
            taken = len(phrase)
            one = with_phrase(phrase)
        else:
            one = with_word(word, vocabulary)
        said.update(map(stem_of, words[place : place + taken]))
        one.is_own_name = place in own
        if place <= head < place + taken:
            one.is_head, one.narrowed_by_preposition = True, narrowed
        for begin, end, typed_phrase in covering:
            if begin < place + taken and place < end and end - begin >= taken:
                for phrase in vocabulary.synonyms[typed_phrase]:
                    one.add(phrase, SYNONYM)
        wanted.append(one)
        place += taken
    join_parts(text, wanted, vocabulary)
    for one in wanted:
        if not one.phrases and one.age is None:
            correct(one, vocabulary)
    return wanted


def head_of(words: Sequence[str]) -> tuple[int, bool]:
    """The place of the word for what is looked for, and whether a preposition and what narrows it down follow.

    It is the last before the first preposition: “initiatives” of “initiatives in Leeds” and of “Leeds initiatives”.
    Dates and years only narrow down.
    """
    head, end_of_date = -1, 0
    for place, word in enumerate(words):
        if head >= 0 and word in PREPOSITIONS:
            return head, True
        if stated := date_at(words, place):
            end_of_date = max(end_of_date, place + stated[1])
        if place >= end_of_date and not is_stop_word(word) and not YEAR.fullmatch(word):
            head = place
    return head, False


def longest_at(place: int, words: Sequence[str], covering: Iterable[tuple[int, int, Phrase]]) -> Sequence[str]:
    """The words of the longest phrase that begins here and has synonyms of its own; empty if none does.

    Its words are then looked for as a whole: a “youth centre” is neither a youth board nor the centre of a town.
    """
    ends = [end for begin, end, _ in covering if begin == place and end > place + 1]
    found = words[place : max(ends, default=place)]
    return found if found and not is_stop_word(found[0]) and not is_stop_word(found[-1]) else ()


def is_stop_word(word: str) -> bool:
    return word in STOP_WORDS or (len(word) == 1 and not word.isdigit())


def with_word(word: str, vocabulary: Vocabulary) -> Wanted:
    one = Wanted(word)
    if vocabulary.has(stem_of(word)):
        one.add((stem_of(word),), 1)
    if len(word) >= SHORTEST_PREFIX:
        for longer in vocabulary.beginning_with(word):
            one.add((stem_of(longer),), PREFIX)
    return one


def with_phrase(words: Sequence[str]) -> Wanted:
    """Look for words side by side."""
    one = Wanted(" ".join(words))
    one.add(tuple(map(stem_of, words)), 1)
    return one


def with_age(years: int) -> Wanted:
    """Look for pages for people of an age: those that state it come first, then those for children, or for adults."""
    one = Wanted(str(years), age=years)
    one.add((str(years),), OF_THAT_AGE)
    for word in ADULTS if years >= ADULT else CHILDREN:
        one.add((stem_of(word),), OF_THAT_AGE)
    return one


def places_of(phrases: Collection[Phrase], words: Sequence[str]) -> Iterator[tuple[int, int, Phrase]]:
    """Yield each of these phrases that is among the words, with where it begins and ends."""
    stems = tuple(map(stem_of, words))
    longest = max(map(len, phrases), default=0)
    for begin in range(len(stems)):
        for end in range(begin + 1, min(len(stems), begin + longest) + 1):
            if stems[begin:end] in phrases:
                yield begin, end, stems[begin:end]


def join_parts(text: str, wanted: Sequence[Wanted], vocabulary: Vocabulary) -> None:
    """Somebody who types “re-offending” or “re offending” also finds “reoffending”."""
    apart = (first.typed + second.typed for first, second in pairwise(wanted))
    for joined in (*joined_words_of(text), *apart):
        if vocabulary.has(stem_of(joined)):
            for one in wanted:
                if one.typed in joined:
                    one.add((stem_of(joined),), CORRECTED)


def correct(one: Wanted, vocabulary: Vocabulary) -> None:
    """Take what is nearest to a word that no page has: two words without the space between them, or similar words."""
    for place in range(1, len(one.typed)):
        parts = one.typed[:place], one.typed[place:]
        if vocabulary.has_phrase(tuple(map(stem_of, parts))):
            one.meant = " ".join(parts)
            one.add(tuple(map(stem_of, parts)), CORRECTED)
            return
    for word in vocabulary.similar_to(one.typed):
        one.meant = one.meant or word
        if vocabulary.has(stem_of(word)):
            one.add((stem_of(word),), CORRECTED)
        for phrase in vocabulary.synonyms.get((stem_of(word),), ()):
            one.add(phrase, SYNONYM)
