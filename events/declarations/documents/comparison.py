"""Comparing two versions word by word, in the text as readers see it: what was added and what was removed."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from django.utils.safestring import SafeString, mark_safe

from vru_portal.text.markdown import render

# The texts are compared as Markdown, and rendered afterwards. These characters, for private use in Unicode, pass
# through rendering untouched and are then replaced by elements.
ADDED, ADDED_END, REMOVED, REMOVED_END = "\ue000", "\ue001", "\ue002", "\ue003"
PRIVATE_USE_CHARACTERS = re.compile("[\ue000-\uf8ff]")
ELEMENTS = {
    ADDED: '<ins><span class="govuk-visually-hidden">(added: </span>',
    ADDED_END: '<span class="govuk-visually-hidden">)</span></ins>',
    REMOVED: '<del><span class="govuk-visually-hidden">(removed: </span>',
    REMOVED_END: '<span class="govuk-visually-hidden">)</span></del>',
}
# A block begins after an empty line, and at each item of a list.
BLOCK_BOUNDARY = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])")
# In this order: how a block begins; links and emphasis; white space; words. Only words are marked as changed, since
# marks inside markup would break it.
TOKEN = re.compile(
    r"(?P<markup>\A(?:[-*+]|\d+[.)]|\#{1,6}|>)[ \t]+"
    r"|\]\((?:https?:|mailto:|tel:|/)[^)\s]*\)|<(?:https?:|mailto:)[^>\s]*>|[*_`\[]+)"
    r"|(?P<blank>\s+)"
    r"|(?P<word>\\.|&\#?\w+;|[^\s*_`\[\]<\\&.,;:!?]+|.)",
    re.VERBOSE | re.DOTALL,
)
MIN_SIMILARITY = 0.5  # blocks that share less are shown as one removed and one added, not as one changed


def comparison_html(old: str, new: str) -> SafeString:
    """The new text as HTML, with added words in <ins> and words of the old text that were removed in <del>."""
    html = "\n".join(render_marked_block(block) for block in merge_blocks(split_blocks(old), split_blocks(new)))
    return mark_safe(html)  # noqa: S308 - each block was cleaned by `markdown.render`; the elements added are ours


def split_blocks(text: str) -> list[str]:
    """The paragraphs, headings and list items of a text, each on one line."""
    parts = BLOCK_BOUNDARY.split(PRIVATE_USE_CHARACTERS.sub("", text).replace("\r\n", "\n").strip())
    return [" ".join(part.split()) for part in parts if part.strip()]


def merge_blocks(old: list[str], new: list[str]) -> Iterator[str]:
    """The blocks of both texts in order, with marks around what differs."""
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from new[c:d]
        else:
            yield from merge_replaced_blocks(old[a:b], new[c:d])


def merge_replaced_blocks(old: list[str], new: list[str]) -> Iterator[str]:
    """Blocks that replaced others: a block similar to an old one is compared with it, the rest are added or removed."""
    remaining = list(old)
    for block in new:
        similarities = [similarity(before, block) for before in remaining]
        best = max(similarities, default=0.0)
        if best < MIN_SIMILARITY:
            yield mark_whole_block(block, ADDED, ADDED_END)
            continue
        place = similarities.index(best)
        for removed in remaining[:place]:
            yield mark_whole_block(removed, REMOVED, REMOVED_END)
        yield "".join(merge_changed_block(remaining[place], block))
        del remaining[: place + 1]
    for removed in remaining:
        yield mark_whole_block(removed, REMOVED, REMOVED_END)


def split_tokens(block: str) -> list[tuple[str, str]]:
    """The tokens of a block, as pairs of kind (markup, blank or word) and text."""
    return [(found.lastgroup or "", found[0]) for found in TOKEN.finditer(block)]


def similarity(old: str, new: str) -> float:
    """How much two blocks share, from 0 to 1."""
    before, after = ([text for kind, text in split_tokens(block) if kind == "word"] for block in (old, new))
    return SequenceMatcher(None, before, after, autojunk=False).ratio()


def merge_changed_block(old: str, new: str) -> Iterator[str]:
    """A changed block with marks around changed words. Its markup is that of the new text."""
    before, after = split_tokens(old), split_tokens(new)
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "".join(text for _, text in after[c:d])
            continue
        removed = [("word", link_target_text(part)) if link_target_text(part) else part for part in before[a:b]]
        removed = [part for part in removed if part[0] != "markup"]
        yield from mark_words(removed, REMOVED, REMOVED_END)
        if removed and removed[-1][0] == "word" and after[c:d] and after[c][0] == "word":
            yield " "
        for part in after[c:d]:
            yield from mark_words(
                [part, ("word", link_target_text(part))] if link_target_text(part) else [part], ADDED, ADDED_END
            )


def link_target_text(part: tuple[str, str]) -> str:
    """The address of a link, in words, since a link that leads elsewhere is a change too."""
    return f" (leads to {part[1][2:-1]})" if part[0] == "markup" and part[1].startswith("](") else ""


def mark_whole_block(block: str, begin: str, end: str) -> str:
    """A block that was added or removed as a whole."""
    return "".join(mark_words(split_tokens(block), begin, end))


def mark_words(parts: list[tuple[str, str]], begin: str, end: str) -> Iterator[str]:
    """Tokens with marks around each word on its own, so that no pair of marks spans markup."""
    for kind, text in parts:
        yield f"{begin}{text}{end}" if kind == "word" else text


def render_marked_block(block: str) -> str:
    """Render a block, with neighbouring marks joined and then turned into elements."""
    html = render(block)
    for begin, end in ((ADDED, ADDED_END), (REMOVED, REMOVED_END)):
        html = re.sub(f"{end}(\\s*){begin}", r"\1", html)  # type: ignore[assignment]
    for mark, element in ELEMENTS.items():
        html = html.replace(mark, element)  # type: ignore[assignment]
    return html
