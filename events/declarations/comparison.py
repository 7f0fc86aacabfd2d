"""Two wordings, compared for a reader: what was added and what was taken out, word by word, in the text as shown."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from django.utils.safestring import SafeString, mark_safe

from vru_portal.markdown import render

# Marks that pass through Markdown untouched (Unicode's private use) and become elements once it is rendered.
ADDED, ADDED_END, TAKEN, TAKEN_END = "\ue000", "\ue001", "\ue002", "\ue003"
PRIVATE = re.compile("[\ue000-\uf8ff]")
ELEMENTS = {
    ADDED: '<ins><span class="govuk-visually-hidden">(added: </span>',
    ADDED_END: '<span class="govuk-visually-hidden">)</span></ins>',
    TAKEN: '<del><span class="govuk-visually-hidden">(taken out: </span>',
    TAKEN_END: '<span class="govuk-visually-hidden">)</span></del>',
}
# A block begins after an empty line, and at each item of a list.
BLOCK = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])")
# What a block begins with; links and emphasis; blanks; words. Markup is never marked as changed, words are.
TOKEN = re.compile(
    r"(?P<markup>\A(?:[-*+]|\d+[.)]|\#{1,6}|>)[ \t]+"
    r"|\]\((?:https?:|mailto:|tel:|/)[^)\s]*\)|<(?:https?:|mailto:)[^>\s]*>|[*_`\[]+)"
    r"|(?P<blank>\s+)"
    r"|(?P<word>\\.|&\#?\w+;|[^\s*_`\[\]<\\&.,;:!?]+|.)",
    re.VERBOSE | re.DOTALL,
)
ALIKE = 0.5  # two blocks that share less than this are not one that was changed


def compared(old: str, new: str) -> SafeString:
    """Return the new text as HTML, with what the old one had besides: words added in <ins>, taken out in <del>."""
    html = "\n".join(rendered(block) for block in merged(blocks(old), blocks(new)))
    return mark_safe(html)  # noqa: S308 - each block was cleaned by `markdown.render`; the elements added are ours


def blocks(text: str) -> list[str]:
    """Return the paragraphs, headings and items of lists of a text, each on a line."""
    parts = BLOCK.split(PRIVATE.sub("", text).replace("\r\n", "\n").strip())
    return [" ".join(part.split()) for part in parts if part.strip()]


def merged(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield the blocks of both texts in order, with marks around what differs."""
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from new[c:d]
        else:
            yield from replaced(old[a:b], new[c:d])


def replaced(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield blocks in place of others: word by word where one is another changed, else one after the other."""
    waiting = list(old)
    for block in new:
        likeness = [alike(before, block) for before in waiting]
        best = max(likeness, default=0.0)
        if best < ALIKE:
            yield marked(block, ADDED, ADDED_END)
            continue
        place = likeness.index(best)
        for gone in waiting[:place]:
            yield marked(gone, TAKEN, TAKEN_END)
        yield "".join(changed(waiting[place], block))
        del waiting[: place + 1]
    for gone in waiting:
        yield marked(gone, TAKEN, TAKEN_END)


def tokens(block: str) -> list[tuple[str, str]]:
    """Return the parts of a block: what kind each is, and its text."""
    return [(found.lastgroup or "", found[0]) for found in TOKEN.finditer(block)]


def alike(old: str, new: str) -> float:
    """Return how much two blocks share, from 0 to 1."""
    before, after = ([text for kind, text in tokens(block) if kind == "word"] for block in (old, new))
    return SequenceMatcher(None, before, after, autojunk=False).ratio()


def changed(old: str, new: str) -> Iterator[str]:
    """Yield the parts of a block that was changed. Its markup is the new one's."""
    before, after = tokens(old), tokens(new)
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "".join(text for _, text in after[c:d])
            continue
        gone = [("word", target(part)) if target(part) else part for part in before[a:b]]
        gone = [part for part in gone if part[0] != "markup"]
        yield from marks(gone, TAKEN, TAKEN_END)
        if gone and gone[-1][0] == "word" and after[c:d] and after[c][0] == "word":
            yield " "
        for part in after[c:d]:
            yield from marks([part, ("word", target(part))] if target(part) else [part], ADDED, ADDED_END)


def target(part: tuple[str, str]) -> str:
    """Return where a link leads, in words: that it leads elsewhere is a change too."""
    return f" (leads to {part[1][2:-1]})" if part[0] == "markup" and part[1].startswith("](") else ""


def marked(block: str, begin: str, end: str) -> str:
    """Return a block whose every word is added or taken out."""
    return "".join(marks(tokens(block), begin, end))


def marks(parts: list[tuple[str, str]], begin: str, end: str) -> Iterator[str]:
    """Yield parts with marks around each word: around one only, so that no mark is parted by markup."""
    for kind, text in parts:
        yield f"{begin}{text}{end}" if kind == "word" else text


def rendered(block: str) -> str:
    """Return a block as HTML: neighbouring marks joined, each then an element."""
    html = render(block)
    for begin, end in ((ADDED, ADDED_END), (TAKEN, TAKEN_END)):
        html = re.sub(f"{end}(\\s*){begin}", r"\1", html)  # type: ignore[assignment]
    for mark, element in ELEMENTS.items():
        html = html.replace(mark, element)  # type: ignore[assignment]
    return html
