"""What changes in a text, so that a person sees it at once: the changed words, with a few on either side."""

import re
from typing import NamedTuple

AROUND = 8  # words
LONGEST = 60  # changed words that are shown


class Words(NamedTuple):
    """A piece of text around what changes."""

    before: str
    changed: str
    after: str


def changed_words(old: str, new: str) -> tuple[Words, Words]:
    """Return both texts, cut down to where they begin and cease to differ.

    Takes time in proportion to their length, whatever they hold: no common words are looked for in between.
    """
    first, second = (re.findall(r"\s*\S+|\s+$", text) for text in (old, new))
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    return shown(first, start, end), shown(second, start, end)


def shown(words: list[str], start: int, end: int) -> Words:
    """Return what differs in a text, from one word to another, with what stands around it."""
    before, middle, after = words[:start], words[start : len(words) - end], words[len(words) - end :]
    lead = ("… " if len(before) > AROUND else "") + "".join(before[-AROUND:]).strip()
    tail = "".join(after[:AROUND]).strip() + (" …" if len(after) > AROUND else "")
    if len(middle) > LONGEST:
        middle = [*middle[: LONGEST // 2], " […]", *middle[-LONGEST // 2 :]]
    return Words(lead, "".join(middle).strip(), tail)
