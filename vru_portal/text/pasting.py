"""Text pasted from Word, a browser or an email, as the Markdown that its writer meant.

Word puts a tab between a bullet and its text and between the cells of a table, and each paragraph on a line of its own.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from vru_portal.text.web_addresses import without_detours

# Symbols that are nothing but bullets. U+F0xx are those of the fonts Symbol and Wingdings, as Word writes them.
SYMBOLS = "•●○◦▪▫■□‣\u2043∙➢➤►▶◆❖✓✔\uf0a7\uf0b7\uf0d8\uf0fc\uf076"
GAP = r"(?:[ \u00a0]*\t[ \t\u00a0]*|[ \u00a0]{2,}|\u00a0)"  # wider than a space between two words
INDENT = r"(?P<indent>[ \t\u00a0]*)"
BULLET = re.compile(
    rf"{INDENT}(?:(?P<symbol>[{SYMBOLS}])[ \t\u00a0]*|(?P<sign>[·o§*\u2013\u2014-]){GAP})(?P<text>\S.*)"
)
NUMBER = re.compile(rf"{INDENT}\(?(?P<number>\d{{1,3}})[.)]{GAP}(?P<text>\S.*)", re.ASCII)
# Markdown has no lists with letters, with numbers such as 1.2 or with boxes: the label, which means something, stays.
LABEL = re.compile(rf"{INDENT}(?P<text>(?:[☐☑☒]|\(?(?:[a-zA-Z]|[ivx]{{2,5}})[.)]|\d+(?:\.\d+)+\.?){GAP}\S.*)", re.ASCII)
DASH = re.compile(r"[\u2013\u2014] \S")  # a bullet if there are several; alone it may begin a remark
MARKDOWN_BLOCK = re.compile(r" {0,3}(?:[-+*>#|]|\d{1,9}[.)] )|\s")
HEADING_WITHOUT_SPACE = re.compile(r"(#{2,6})(?=[^#\s])")
SEPARATOR = re.compile(r"[ \t]*(?:[=\u2013\u2014─]{3,}|_{3,})[ \t]*")
# Google Docs writes its pictures into the text, which would be too long; what is left of them says where one was.
EMBEDDED = re.compile(r"(data:image/[\w.+-]+;base64,)[\w+/=%-]*", re.ASCII)
ANCHOR_OF_HEADING = re.compile(r"[ \t]*\{#[-.\w]+\}[ \t]*$")  # Google Docs adds it
MAX_LINES = 10_000  # a text that has more is refused
FENCE = re.compile(r" {0,3}(?:```|~~~)")
# Markdown would take the asterisks of 24*7*365 away, and write what is between them in italics.
TIMES_SIGN = re.compile(r"(?<=\d)\*(?=\d)", re.ASCII)
LONGEST_WRAPPED_LINE = 132  # characters: a longer line was not broken by a program or a person to fit a window


class Item(NamedTuple):
    """An item of a pasted list."""

    indent: int
    kind: str  # its symbol, or the kind of its label: in a list, the same one marks the same depth
    marker: str  # in Markdown
    text: str


def normalise_markdown(text: str) -> str:
    """Turn pasted bullets, numbers, tables and rules into Markdown, and let links lead straight to their pages.

    What is Markdown already stays as it is.
    """
    lines = list(_lines_of(text))
    if len(lines) > MAX_LINES:
        return text
    written: list[str] = []
    at, in_fence = 0, False
    while at < len(lines):
        line = lines[at]
        in_fence ^= bool(FENCE.match(line))
        if in_fence or FENCE.match(line):
            written.append(line)
            at += 1
        elif rows := _table_rows(lines, at):
            _append_block(written, _markdown_table(rows), lines[at + len(rows) : at + len(rows) + 1])
            at += len(rows)
        elif _item(lines, at):
            block, end = _markdown_list(lines, at)
            _append_block(written, block, lines[end : end + 1])
            at = end
        else:
            if written and _is_paragraph(line) and _is_paragraph(written[-1]) and _is_long(line, written[-1]):
                written.append("")
            written.append(_plain_line(line))
            at += 1
    return "\n".join(written)


def _lines_of(text: str) -> Iterator[str]:
    """The lines of a text, outside code with links that lead straight to their pages and each item on a line."""
    in_fence = False
    for line in text.split("\n"):
        is_fence = bool(FENCE.match(line))
        in_fence ^= is_fence
        if in_fence or is_fence:
            yield line
        else:
            yield from _bullets_in(EMBEDDED.sub(r"\1", without_detours(line)))


def _plain_line(line: str) -> str:
    if SEPARATOR.fullmatch(line):
        return "---"
    line = line if "`" in line else TIMES_SIGN.sub(r"\\*", line)
    line = ANCHOR_OF_HEADING.sub("", line) if line.startswith("#") else line
    return HEADING_WITHOUT_SPACE.sub(r"\1 ", line, count=1)


def _bullets_in(line: str) -> list[str]:
    """The items of a list that a PDF has made one line; any other line as it is."""
    found = BULLET.fullmatch(line)
    if not found or not found["symbol"]:
        return [line]
    return line.replace(f" {found['symbol']} ", f"\n{found['indent']}{found['symbol']} ").split("\n")


def _is_paragraph(line: str) -> bool:
    return bool(line) and not MARKDOWN_BLOCK.match(line)


def _is_long(*lines: str) -> bool:
    return any(len(line) > LONGEST_WRAPPED_LINE for line in lines)


def _append_block(written: list[str], block: list[str], following: list[str]) -> None:
    """Add a block with an empty line before and after it, so that no paragraph runs into it."""
    if written and written[-1].strip():
        written.append("")
    written += block
    if following and following[0].strip():
        written.append("")


# Lists ----------------------------------------------------------------------------------------------------------------


def _item(lines: list[str], at: int) -> Item | None:
    line = lines[at]
    if at == 0 and len(lines) > 1:  # the spaces with which a text began were taken off
        line = lines[1][: len(lines[1]) - len(lines[1].lstrip())] + line
    if found := NUMBER.fullmatch(line):
        return Item(_width(found["indent"]), "1", f"{int(found['number'])}.", found["text"])
    if found := LABEL.fullmatch(line):
        return Item(_width(found["indent"]), "a", "-", re.sub(GAP, " ", found["text"], count=1))
    if found := BULLET.fullmatch(line):
        return Item(_width(found["indent"]), found["symbol"] or found["sign"], "-", found["text"])
    if DASH.match(line) and any(map(DASH.match, lines[max(at - 1, 0) : at] + lines[at + 1 : at + 2])):
        return Item(0, line[0], "-", line[2:])
    return None


def _width(indent: str) -> int:
    return len(indent.expandtabs(4))


def _markdown_list(lines: list[str], at: int) -> tuple[list[str], int]:
    """The list that begins at a line, and the number of the line after it. Items may have empty lines between them."""
    block: list[str] = []
    levels: list[tuple[str, int]] = []  # the kind and indent of each level, down to the current one
    while at < len(lines):
        if item := _item(lines, at):
            if (level := (item.kind, item.indent)) in levels:
                del levels[levels.index(level) + 1 :]
            else:
                while levels and levels[-1][1] > item.indent:
                    levels.pop()
                levels.append(level)
            block.append(f"{'    ' * (len(levels) - 1)}{item.marker} {item.text}")
        elif lines[at].strip() and lines[at][0].isspace():  # more of the item above
            block.append(f"{'    ' * len(levels)}{lines[at].strip()}")
        elif lines[at].strip() or at + 1 == len(lines) or not (following := _item(lines, at + 1)):
            break
        elif (following.kind, following.indent) not in levels and following.indent <= levels[0][1]:
            break  # after an empty line, another kind of list of the same depth is a list of its own
        else:
            block.append("")
        at += 1
    return block, at


# Tables ---------------------------------------------------------------------------------------------------------------


def _table_rows(lines: list[str], at: int) -> list[list[str]]:
    """The cells of a table that begins at a line: rows with equally many tabs. Empty if there is none."""
    rows = list(_rows_with_tabs(lines, at))
    if len(rows) < 2 or len({len(cells) for cells in rows}) > 1:
        return []
    # A single tab before a text indents it.
    return rows if any(sum(map(bool, cells)) > 1 for cells in rows) else []


def _rows_with_tabs(lines: list[str], at: int) -> Iterator[list[str]]:
    width = 0
    for number in range(at, len(lines)):
        cells = [cell.strip() for cell in lines[number].split("\t")]
        if len(cells) < 2 or _item(lines, number):
            return
        # What ends a text was taken off, and so were the empty cells with which its first row began.
        if number == 0 and number + 1 < len(lines):
            cells = [""] * (lines[1].count("\t") + 1 - len(cells)) + cells
        elif number + 1 == len(lines):
            cells += [""] * (width - len(cells))
        if width and len(cells) != width:
            return
        width = len(cells)
        yield cells


def _markdown_table(rows: list[list[str]]) -> list[str]:
    headings, *others = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in rows)
    return [headings, f"|{' --- |' * len(rows[0])}", *others]
