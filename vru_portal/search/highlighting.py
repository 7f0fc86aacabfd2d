"""Text with the words that were looked for marked, cut to the part that has them."""

import re
from collections.abc import Iterable, Sequence

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from vru_portal.search.queries import Phrase, Wanted
from vru_portal.search.words import Word, words_in

EXCERPT = 220  # characters
BEFORE = 60  # of them, before the first word that is marked
BETWEEN_PARTS = " · "  # paragraphs, and fields of a record: without it, one would seem to go on as the next
MARKUP = re.compile(r"\]\([^)]*\)|^[#>\s]*[-*+]?\s+|[*`#\[\]]+", re.MULTILINE)


class Marker:
    """Marks the words of one search."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self.phrases: set[Phrase] = {phrase for one in wanted for phrase in one.phrases}
        self.longest = max(map(len, self.phrases), default=0)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where each marked word or phrase begins and ends."""
        words = list(words_in(text))
        places = []
        number = 0
        while number < len(words):
            if length := self._length_at(words, number):
                marked_words = words[number : number + length]  # a date may have its year first
                places.append((min(word.start for word in marked_words), max(word.end for word in marked_words)))
            number += length or 1
        return places

    def _length_at(self, words: Sequence[Word], number: int) -> int:
        """How many words the longest phrase takes that begins with this word; 0 for none."""
        stems = tuple(word.stem for word in words[number : number + self.longest])
        return next((length for length in range(len(stems), 0, -1) if stems[:length] in self.phrases), 0)

    def mark(self, text: str) -> SafeString:
        """The whole text as HTML, with its words marked."""
        return marked(text, self.places(text))

    def excerpt(self, text: str) -> SafeString | str:
        """The part of a longer text that has the words, as HTML; empty if it has none."""
        parts = (" ".join(MARKUP.sub(" ", part).split()) for part in text[:20_000].split("\n\n"))
        plain = BETWEEN_PARTS.join(filter(None, parts))
        places = self.places(plain)
        if not places:
            return ""
        begin = 0 if places[0][0] <= BEFORE else plain.find(" ", places[0][0] - BEFORE) + 1
        end = len(plain) if len(plain) <= begin + EXCERPT else plain.rfind(" ", begin, begin + EXCERPT)
        end = max(end, places[0][1])
        shown = [(first - begin, last - begin) for first, last in places if begin <= first and last <= end]
        return format_html(
            "{}{}{}", "… " if begin else "", marked(plain[begin:end], shown), " …" if end < len(plain) else ""
        )


def marked(text: str, places: Iterable[tuple[int, int]]) -> SafeString:
    parts, last = [], 0
    for first, end in places:
        parts += [conditional_escape(text[last:first]), format_html("<mark>{}</mark>", text[first:end])]
        last = end
    return mark_safe("".join([*parts, conditional_escape(text[last:])]))  # noqa: S308 - each part is escaped
