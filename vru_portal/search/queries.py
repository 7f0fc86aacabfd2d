"""What somebody typed, taken apart: each thing that they look for, with all the words that pages may have for it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vru_portal.search.ages import ADULT, age_at
from vru_portal.search.words import STOP_WORDS, joined_words_of, stem_of, words_of

MAX_CHARACTERS = 200
MAX_WORDS = 12
SHORTEST_PREFIX = 3
PREFIX, SYNONYM, CORRECTED, OF_THAT_AGE = 0.5, 0.7, 0.8, 0.35  # beside 1 for the word itself
ADULTS, CHILDREN = ("adult",), ("child", "children", "young", "youth", "pupil")

Phrase = tuple[str, ...]  # stems that are side by side


class Vocabulary(Protocol):
    """The words that the index knows."""

    @property
    def synonyms(self) -> Mapping[Phrase, Sequence[Phrase]]:
        """What pages say, by what visitors type."""

    @property
    def own_names(self) -> Collection[Phrase]:
        """What the body is called whose site this is."""

    def has(self, stem: str) -> bool:
        """Whether any page has a word of this stem."""

    def beginning_with(self, word: str) -> Iterable[str]:
        """The words of pages that begin so."""

    def similar_to(self, word: str) -> Sequence[str]:
        """The words of pages and synonyms that somebody may have meant who typed this one."""


@dataclass
class Wanted:
    """One thing that somebody looks for."""

    typed: str
    phrases: dict[Phrase, float] = field(default_factory=dict)  # what pages may call it, each with its weight
    age: int | None = None
    meant: str = ""  # the word that was taken instead, if no page has the one that was typed
    is_own_name: bool = False  # of the body whose site this is, beside what is looked for on it

    def add(self, phrase: Phrase, weight: float) -> None:
        self.phrases[phrase] = max(weight, self.phrases.get(phrase, 0))

    @property
    def stems(self) -> set[str]:
        """The single words that were typed or meant, without their synonyms."""
        return {phrase[0] for phrase, weight in self.phrases.items() if len(phrase) == 1 and weight >= CORRECTED}


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
    wanted: list[Wanted] = []
    said: set[str] = set()
    only_stop_words = all(word in STOP_WORDS for word in words)
    place = 0
    while place < len(words) and len(wanted) < MAX_WORDS:
        word, taken = words[place], 1
        if age := age_at(words, place):
            years, taken = age
            one = with_age(years)
        elif (is_stop_word(word) and not only_stop_words) or stem_of(word) in said:
            place += 1
            continue
        else:
            one = with_word(word, vocabulary)
        said.add(stem_of(word))
        one.is_own_name = place in own
        for begin, end, typed_phrase in covering:
            if begin < place + taken and place < end:
                for phrase in vocabulary.synonyms[typed_phrase]:
                    one.add(phrase, SYNONYM)
        wanted.append(one)
        place += taken
    join_hyphenated(text, wanted, vocabulary)
    for one in wanted:
        if not one.phrases and one.age is None:
            correct(one, vocabulary)
    return wanted


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


def join_hyphenated(text: str, wanted: Sequence[Wanted], vocabulary: Vocabulary) -> None:
    """Somebody who types “re-offending” also finds “reoffending”."""
    for joined in joined_words_of(text):
        if vocabulary.has(stem_of(joined)):
            for one in wanted:
                if one.typed in joined:
                    one.add((stem_of(joined),), CORRECTED)


def correct(one: Wanted, vocabulary: Vocabulary) -> None:
    """Take the most similar words for one that no page has."""
    for word in vocabulary.similar_to(one.typed):
        one.meant = one.meant or word
        if vocabulary.has(stem_of(word)):
            one.add((stem_of(word),), CORRECTED)
        for phrase in vocabulary.synonyms.get((stem_of(word),), ()):
            one.add(phrase, SYNONYM)
