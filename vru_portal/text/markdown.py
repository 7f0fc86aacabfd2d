"""Markdown, which staff write, as HTML that is safe, and made with bounded work, whatever they wrote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any

import nh3
from django.db import models
from django.utils.safestring import SafeString, mark_safe
from linkify_it import LinkifyIt
from linkify_it.main import Match
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from vru_portal.text.cleaning import truncate
from vru_portal.text.pasting import LONGEST_WRAPPED_LINE

_ALLOWED_TAGS = {
    "p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "h2", "h3", "h4", "h5", "h6", "hr", "code",
    "div", "table", "thead", "tbody", "tr", "th", "td", "img",
}  # fmt: skip
_ALLOWED_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "img": {"src", "alt", "loading"},
    "th": {"scope"},
    "div": {"class", "tabindex", "role", "aria-label"},  # around a table: nobody can write one
}
_ALLOWED_SCHEMES = {"http", "https", "mailto", "tel"}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# Only pictures of the portal itself are shown, and only with a description for those who cannot see them.
_PICTURE_PATH = re.compile(r"/pictures/[-\w]+/", re.ASCII)
DEEPEST_HEADING = 6  # of HTML
LONGEST_SHORT_ADDRESS = 300  # characters of one that may lack "https://": nobody types a longer one
LONGEST_ADDRESS_SHOWN = 100  # characters, instead of the text of a link
NARROWEST_WRAPPED_TEXT = 60  # characters: narrower lines were broken on purpose, as those of an address are

MARKS_OF_CHANGES = re.compile("[\ue000-\ue003]")

# The library reads each of these characters up to twenty times, once for each level of nesting.
_MARK = re.compile(r"[\n\[!*_`<&\\]")
MAX_CHARACTERS = 100_000  # a long report
MAX_MARKS = 10_000  # one in ten of those characters
# A row of a table may be a single bar, and is filled up with empty cells.
MAX_CELLS = 50_000  # if each line of the text were a row as wide as the widest
# A link may name an address that is written elsewhere ("[a]: https://…"), and HTML repeats it for each such link.
MAX_CHARACTERS_OF_ADDRESSES = MAX_CHARACTERS


class _AddressFinder(LinkifyIt):
    """Finds web and email addresses in plain text."""

    # Endings of addresses that people write without "https://" or "www.". A shorter list than the library's: where a
    # space is missing after a full stop, "it.In" is not an address.
    ENDINGS = ["uk", "org", "com", "net", "gov", "edu", "info", "eu", "int", "scot", "wales", "london"]

    def __init__(self) -> None:
        super().__init__()
        self.add("ftp:", None).add("//", None).tlds(self.ENDINGS)
        self.add("www.", {"validate": f"^(?:{self.re['src_host_strict']}){self.re['src_path']}"})

    def pretest(self, text: str) -> bool:
        """Leave alone a text in which characters mark what has changed (`comparison`): an address might hold some."""
        return not MARKS_OF_CHANGES.search(text) and super().pretest(text)

    def normalize(self, match: Match) -> None:
        super().normalize(match)
        if match.schema in ("", "www."):
            match.url = f"https://{match.raw}"


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True})
    # Word indents paragraphs, and people underline with hyphens to separate: neither means code or a heading.
    parser.disable(["code", "lheading"])
    parser.enable("table")
    parser.linkify = _AddressFinder()
    parser.core.ruler.enable("linkify")
    parser.core.ruler.push("own_pictures", _remove_other_pictures)
    parser.core.ruler.push("names_of_links", _name_links)
    parser.core.ruler.push("whole_addresses", _complete_addresses)
    parser.core.ruler.push("links", _note_links_left_out)
    parser.core.ruler.push("line_breaks", _keep_line_breaks)
    parser.core.ruler.push("table_headings", _mark_table_headings)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _remove_other_pictures(state: StateCore) -> None:
    left_out = state.env.setdefault("left_out", [])
    for token in _inline_tokens(state.tokens, "image"):
        address, shows = str(token.attrs["src"]), token.content.strip()
        if _PICTURE_PATH.fullmatch(address) and shows:
            token.attrs = {"src": address, "alt": "", "loading": "lazy"}
            continue
        if _PICTURE_PATH.fullmatch(address):
            left_out.append(
                f"The picture {address} has no alternative text. Write what it shows between the square brackets: "
                f"![what it shows]({address})."
            )
        else:
            which = (
                "A picture inside the text" if address.startswith("data:") else f"The picture {truncate(address, 100)}"
            )
            left_out.append(f"{which} is not in this portal. Upload it here, and use that picture in the text.")
        token.type, token.content, token.children = "text", "", []


def _name_links(state: StateCore) -> None:
    """Show the address of a link in which nothing else is shown: nobody could press it, or hear of it."""
    for block in state.tokens:
        children = block.children or []
        for place in reversed(range(len(children))):
            if children[place].type == "link_open":
                inside = [*takewhile(lambda token: token.type != "link_close", children[place + 1 :])]
                if not any(token.content.strip() or token.type == "image" for token in inside):
                    shown = truncate(str(children[place].attrs["href"]), LONGEST_ADDRESS_SHOWN)
                    children[place + 1 : place + 1 + len(inside)] = [Token("text", "", 0, content=shown)]


def _complete_addresses(state: StateCore) -> None:
    """Lead a link to www.moor.example.org there: it would lead to a page below this one."""
    for token in _inline_tokens(state.tokens, "link_open"):
        address = str(token.attrs["href"])
        if len(address) <= LONGEST_SHORT_ADDRESS and not address.startswith(("/", "#", "?")):
            found = state.md.linkify.match(address) if state.md.linkify else None
            if found and found[0].raw == address:
                token.attrs["href"] = found[0].url


def _note_links_left_out(state: StateCore) -> None:
    for token in _inline_tokens(state.tokens, "link_open"):
        scheme = _SCHEME.match(address := str(token.attrs["href"]))
        if scheme and scheme[1].lower() not in _ALLOWED_SCHEMES:
            state.env["left_out"].append(
                f"The link to {truncate(address, 100)} does not work here. Link to a web page (https://…), an email "
                "address (mailto:…) or a phone number (tel:…)."
            )


def _keep_line_breaks(state: StateCore) -> None:
    """Break lines where the writer did, unless the text was only broken to fit a window."""
    for block in state.tokens:
        if block.type == "inline" and "\n" in block.content and not _is_wrapped(block.content.split("\n")):
            for token in block.children or ():
                if token.type == "softbreak":
                    token.type, token.tag = "hardbreak", "br"


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the lines are of about the same length, except for the last."""
    width = max(map(len, lines))
    return NARROWEST_WRAPPED_TEXT <= width <= LONGEST_WRAPPED_LINE and min(map(len, lines[:-1])) > width * 3 / 4


def _mark_table_headings(state: StateCore) -> None:
    for token, content in pairwise(state.tokens):
        if token.type == "th_open":
            token.attrs = {"scope": "col"}
            if not content.content.strip():  # the corner of a table is a heading of nothing
                token.tag = "td"
        elif content.type == "th_close" and not token.content.strip():
            content.tag = "td"


def _open_table(*_: Any) -> str:
    return '<div class="scroller" tabindex="0" role="group" aria-label="Table">\n<table>\n'


def _close_table(*_: Any) -> str:
    return "</table>\n</div>\n"


def _inline_tokens(tokens: list[Token], *kinds: str) -> Iterator[Token]:
    return (token for block in tokens for token in block.children or () if token.type in kinds)


def _ready(parser: MarkdownIt) -> MarkdownIt:
    """Have a parser compile its rules, as it would for its first text.

    If two threads each bring a first text, the second finds some rules or none: the page fails, or shows the marks.
    """
    parser.parse("Text.")
    return parser


_markdown = _ready(_make_parser())
_plain = _ready(MarkdownIt("zero"))  # paragraphs, and nothing else


@dataclass(frozen=True)
class _Reading:
    """What a text says. A text that has a problem is read as plain text, so that a public page can still show it."""

    tokens: list[Token]
    problem: str = ""  # why it is not read as Markdown, and what to do about it
    left_out: list[str] = field(default_factory=list)  # what is not shown, and what to do about it

    @property
    def parser(self) -> MarkdownIt:
        return _plain if self.problem else _markdown


def _read(text: str) -> _Reading:
    env: dict[str, Any] = {}
    problem = ""
    if len(text) > MAX_CHARACTERS:
        problem = f"This text has {len(text):,} characters. Shorten it to {MAX_CHARACTERS:,}, or upload a document."
    elif (marks := len(_MARK.findall(text))) > MAX_MARKS:
        problem = f"This text has {marks:,} line breaks, brackets, asterisks and other marks. Keep to {MAX_MARKS:,}."
    elif _cells_at_most(text) > MAX_CELLS:
        problem = "The tables in this text are too large. Shorten them, or upload a spreadsheet."
    elif sum(map(len, _addresses(tokens := _markdown.parse(text, env)))) > MAX_CHARACTERS_OF_ADDRESSES:
        problem = "The addresses of the links in this text are too long. Shorten them, or have fewer links."
    else:
        return _Reading(tokens, left_out=env["left_out"])
    return _Reading(_plain.parse(text), problem)


def _cells_at_most(text: str) -> int:
    lines = text.split("\n")
    return len(lines) * max(line.count("|") for line in lines)


def _addresses(tokens: list[Token]) -> Iterator[str]:
    for token in _inline_tokens(tokens, "link_open", "image"):
        yield from map(str, token.attrs.values())


def problem_of(text: str) -> str:
    """Why this text cannot be shown as Markdown, and what to do about it; empty for any that somebody would write."""
    return _read(text).problem


def left_out_of(text: str) -> list[str]:
    """What is not shown of this text, such as pictures without alternative text, each with what to do about it."""
    return _read(text).left_out


def links_in(text: str) -> list[str]:
    """The addresses to which a text links and of which it shows pictures, each once, as they are written."""
    found = (
        token.attrs.get("href") or token.attrs["src"]
        for token in _inline_tokens(_read(text).tokens, "link_open", "image")
    )
    return list(dict.fromkeys(map(str, found)))


def is_markdown(model_field: models.Field[Any, Any]) -> bool:
    """Whether a field holds Markdown: by convention, its help text then ends with that word."""
    return isinstance(model_field, models.TextField) and str(model_field.help_text).endswith("Markdown.")


def parse(text: str, heading_above: int) -> SyntaxTreeNode:
    """Parse Markdown into a tree, for what is not HTML, such as a PDF."""
    return SyntaxTreeNode(_nest_headings(_read(text).tokens, heading_above))


@lru_cache(maxsize=128)  # a page has up to twenty texts, which hardly ever change
def render(text: str, heading_above: int = 2) -> SafeString:
    """Render Markdown as sanitised HTML: headings, paragraphs, emphasis, links, lists, tables, quotations and pictures.

    ``heading_above`` is the level of the heading below which the text is shown: most are in a section with an h2.
    """
    reading = _read(text)
    tokens = _nest_headings(reading.tokens, heading_above)
    html = nh3.clean(
        reading.parser.renderer.render(tokens, reading.parser.options, {}),
        tags=_ALLOWED_TAGS,
        attributes=_ALLOWED_ATTRIBUTES,
        url_schemes=_ALLOWED_SCHEMES,
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308 - cleaned by nh3


def _nest_headings(tokens: list[Token], above: int) -> list[Token]:
    """Give each heading the level below the one it belongs to, so that none is skipped, however they were written."""
    open_headings: list[str] = []
    for token in tokens:
        if token.type == "heading_open":
            while open_headings and open_headings[-1] >= token.tag:
                open_headings.pop()
            open_headings.append(token.tag)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(above + len(open_headings), DEEPEST_HEADING)}"
    return tokens
