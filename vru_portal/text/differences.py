"""What changes in a text: the words that differ, with a few of the same words on either side to recognise the place."""

import re
from typing import NamedTuple

CONTEXT_WORDS = 8
MAX_CHANGED_WORDS = 60  # that are shown


class Excerpt(NamedTuple):
    """The part of a text in which it differs from another."""

    before: str
    changed: str
    after: str


def changed_words(old: str, new: str) -> tuple[Excerpt, Excerpt]:
    """Cut both texts down to the part between the first and the last word in which they differ.

    It looks for no common words in between, as `difflib` would, so it takes linear time whatever the texts contain.
    """
    first, second = (re.findall(r"\s*\S+|\s+$", text) for text in (old, new))
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    return make_excerpt(first, start, end), make_excerpt(second, start, end)


def make_excerpt(words: list[str], start: int, end: int) -> Excerpt:
    """The words without the first `start` and the last `end` ones, in their context."""
    before, middle, after = words[:start], words[start : len(words) - end], words[len(words) - end :]
    lead = ("… " if len(before) > CONTEXT_WORDS else "") + "".join(before[-CONTEXT_WORDS:]).strip()
    tail = "".join(after[:CONTEXT_WORDS]).strip() + (" …" if len(after) > CONTEXT_WORDS else "")
    if len(middle) > MAX_CHANGED_WORDS:
        middle = [*middle[: MAX_CHANGED_WORDS // 2], " […]", *middle[-MAX_CHANGED_WORDS // 2 :]]
    return Excerpt(lead, "".join(middle).strip(), tail)
