"""The picture of a year as outlines for SVG: a wide one, and a tall one for phones.

Lengths are units of the viewBox, about a pixel each; what goes into the page is text with a dot, whatever the locale.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from funding.flow import NOUGHT, Flow, LevelRows
from vru_portal.money import pounds

LINE = 17  # from one line of text to the next
LETTER = 7.6  # of 14 px, on average and a little over
THINNEST = 3  # a bar is never too small to be seen; its bands are as thin as their amounts


@dataclass(frozen=True)
class Shape:
    """The outline of a bar or a band, and its classes."""

    path: str
    css: str


@dataclass(frozen=True)
class Label:
    """A line of text; ``css`` may be strong, soft or end (its right end stands at x)."""

    x: str
    y: str
    text: str
    css: str = ""


@dataclass(frozen=True)
class Sign:
    """The mark of a level."""

    x: str
    y: str
    mark: str


@dataclass
class Drawing:
    """What a template draws: bands below bars, and words above both."""

    width: int
    height: int = 0
    bands: list[Shape] = field(default_factory=list)
    bars: list[Shape] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def bar(self, x: float, y: float, width: float, height: float, css: str) -> None:
        """Draw a box."""
        self.bars.append(Shape(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z", css))

    def sign(self, x: float, y: float, mark: str) -> None:
        """Draw a level's mark."""
        self.signs.append(Sign(f"{x:.1f}", f"{y:.1f}", mark))

    def write(self, x: float, y: float, *lines: tuple[str, str]) -> None:
        """Write lines of (text, class) below one another, the first on this height."""
        for number, (text, css) in enumerate(lines):
            self.labels.append(Label(f"{x:.1f}", f"{y + LINE * number:.1f}", text, css))

    def across(self, x: tuple[float, float], y: tuple[float, float], height: float, css: str) -> None:
        """Draw a band from left to right."""
        (x0, x1), (y0, y1), m = x, y, sum(x) / 2
        there = f"M{x0:.1f} {y0:.1f}C{m:.1f} {y0:.1f} {m:.1f} {y1:.1f} {x1:.1f} {y1:.1f}v{height:.1f}"
        back = f"C{m:.1f} {y1 + height:.1f} {m:.1f} {y0 + height:.1f} {x0:.1f} {y0 + height:.1f}z"
        self.bands.append(Shape(there + back, css))

    def down(self, y: tuple[float, float], x: tuple[float, float], width: float, css: str) -> None:
        """Draw a band from top to bottom."""
        (y0, y1), (x0, x1), m = y, x, sum(y) / 2
        there = f"M{x0:.1f} {y0:.1f}C{x0:.1f} {m:.1f} {x1:.1f} {m:.1f} {x1:.1f} {y1:.1f}h{width:.1f}"
        back = f"C{x1 + width:.1f} {m:.1f} {x0 + width:.1f} {m:.1f} {x0 + width:.1f} {y0:.1f}z"
        self.bands.append(Shape(there + back, css))


@dataclass
class Node:
    """A bar that bands end at and begin from, one beside the other."""

    start: float
    length: float
    entered: float = 0
    left: float = 0

    def enter(self, thick: float) -> float:
        """Return where the next band into it begins."""
        self.entered += thick
        return self.start + self.entered - thick

    def leave(self, thick: float) -> float:
        """Return where the next band out of it begins."""
        self.left += thick
        return self.start + self.left - thick


@dataclass(frozen=True)
class End:
    """Where bands from the sources end, and how much comes from each."""

    node: Node
    parts: Sequence[Decimal]


def lines_of(name: str, width: float, most: int = 2) -> list[tuple[str, str]]:
    """Return a name in short lines; what does not fit ends in "…": the table has it whole."""
    letters = max(int(width / LETTER), 4)
    return [(line, "") for line in textwrap.wrap(name, letters, max_lines=most, placeholder="…")]


def scale_of(flow: Flow, length: float) -> float:
    """Return how long a pound is."""
    accounts = flow.accounts
    return length / float(max(accounts.total, accounts.allocated + accounts.carried, Decimal(1)))


# Wide: from left to right, the height of a band is its amount ---------------------------------------------------------

WIDE, HIGH, GAP, TOP = 720, 440, 12, 32.0
SOURCES_X, LEVELS_X, INITIATIVES_X, BAR = 138, 322, 512, 12
WORDS_X = INITIATIVES_X + 18


def wide(flow: Flow) -> Drawing:
    """Draw sources, levels and initiatives in three columns."""
    drawing, scale = Drawing(WIDE), scale_of(flow, HIGH)
    drawing.write(0, 14, ("Sources", "soft"))
    drawing.write(LEVELS_X, 14, ("Levels of prevention", "soft"))
    drawing.write(INITIATIVES_X, 14, ("Initiatives", "soft"))
    y, ends = TOP, []
    for group in flow.levels:
        if group.allocated:
            node, y = draw_level(drawing, group, y, scale)
            ends.append(End(node, [source.levels.get(group.level.pk, NOUGHT) for source in flow.sources]))
    for rest in flow.rest:
        node = Node(y, max(float(rest.amount) * scale, THINNEST))
        ends.append(End(node, rest.parts))
        drawing.bar(LEVELS_X, y, INITIATIVES_X + 8 - LEVELS_X, node.length, rest.css)
        drawing.write(WORDS_X, y + 12, (rest.name, ""), (pounds(rest.amount), "strong"))
        y += max(node.length, 2 * LINE) + GAP
    drawing.height = int(max(y, draw_sources(drawing, flow, ends, scale, y)))
    return drawing


def draw_level(drawing: Drawing, group: LevelRows, y: float, scale: float) -> tuple[Node, float]:
    """Draw a level with its initiatives from this height on; return its bar, and where the next level begins."""
    css, placed, top = f"mark--{group.level.mark}", [], y
    for row in group.rows:
        if row.allocated:
            node, lines = Node(y, float(row.allocated) * scale), lines_of(row.name, WIDE - WORDS_X)
            placed.append((node, row, lines))
            y += max(node.length, LINE * (len(lines) + 1)) + GAP
    height = float(group.allocated) * scale
    bottom = max(y - GAP, top + max(height, 2 * LINE))
    level = Node(top + (bottom - top - height) / 2, height)
    for node, row, lines in placed:
        drawing.across((LEVELS_X + BAR, INITIATIVES_X), (level.leave(node.length), node.start), node.length, css)
        drawing.bar(INITIATIVES_X, node.start, 8, max(node.length, THINNEST), css)
        drawing.write(WORDS_X, node.start + 12, *lines, (pounds(row.allocated), "strong"))
    drawing.bar(LEVELS_X, level.start, BAR, max(height, THINNEST), css)
    drawing.sign(LEVELS_X + BAR + 10, level.start + 5, group.level.mark)
    drawing.write(LEVELS_X + BAR + 32, level.start + 15, (group.level.name, "strong"), (pounds(group.allocated), ""))
    return level, bottom + 2 * GAP


def draw_sources(drawing: Drawing, flow: Flow, ends: Sequence[End], scale: float, bottom: float) -> float:
    """Draw the sources down the left side, spread over the height, and the bands from them; return where they end."""
    y, placed = TOP, []
    for source in flow.sources:
        lines = lines_of(source.name, SOURCES_X - 8, most=3)
        placed.append((source, Node(y, float(source.amount) * scale), lines))
        y += max(placed[-1][1].length, LINE * (len(lines) + 1)) + GAP
    spread = max(bottom - y, 0) / max(len(placed) - 1, 1)
    for number, (source, node, lines) in enumerate(placed):
        node.start += spread * number
        drawing.bar(SOURCES_X, node.start, BAR, max(node.length, THINNEST), f"tone-{source.tone}")
        drawing.write(0, node.start + 12, *lines, (pounds(source.amount), "strong"))
    for end in ends:
        for (source, node, _), amount in zip(placed, end.parts, strict=True):
            if thick := float(amount) * scale:
                ys = node.leave(thick), end.node.enter(thick)
                drawing.across((SOURCES_X + BAR, LEVELS_X), ys, thick, f"tone-{source.tone}")
    return max(y, bottom)


# Tall: from sources above to levels below, the width of a band is its amount ------------------------------------------

TALL, ROW, FALL, BAR_GAP = 288, 26, 150, 8


def tall(flow: Flow) -> Drawing:
    """Draw sources and levels; on a phone, the table carries the rest."""
    drawing, y = Drawing(TALL), 0.0
    for source in flow.sources:
        drawing.bar(2, y + 4, 14, 14, f"tone-{source.tone}")
        y = key(drawing, y, source.name, source.amount)
    groups = [group for group in flow.levels if group.allocated]
    scale = scale_of(flow, TALL - BAR_GAP * max(len(flow.sources), len(groups) + len(flow.rest)))
    top, bottom = y + 10, y + 10 + BAR + FALL
    nodes = row_of([float(source.amount) * scale for source in flow.sources])
    for source, node in zip(flow.sources, nodes, strict=True):
        drawing.bar(node.start, top, max(node.length, THINNEST), BAR, f"tone-{source.tone}")
    amounts = [float(group.allocated) * scale for group in groups] + [float(rest.amount) * scale for rest in flow.rest]
    parts = [[source.levels.get(group.level.pk, NOUGHT) for source in flow.sources] for group in groups]
    ends = map(End, row_of(amounts), [*parts, *(rest.parts for rest in flow.rest)])
    css = [f"mark--{group.level.mark}" for group in groups] + [rest.css for rest in flow.rest]
    for end, css_of_end in zip(ends, css, strict=True):
        for source, node, amount in zip(flow.sources, nodes, end.parts, strict=True):
            if thick := float(amount) * scale:
                xs = node.leave(thick), end.node.enter(thick)
                drawing.down((top + BAR, bottom), xs, thick, f"tone-{source.tone}")
        drawing.bar(end.node.start, bottom, max(end.node.length, THINNEST), BAR, css_of_end)
    y = bottom + BAR + 12
    for group in groups:
        drawing.sign(1, y + 3, group.level.mark)
        y = key(drawing, y, group.level.name, group.allocated)
    for rest in flow.rest:
        drawing.bar(2, y + 4, 14, 14, rest.css)
        y = key(drawing, y, rest.name, rest.amount)
    drawing.height = int(y)
    return drawing


def key(drawing: Drawing, y: float, name: str, amount: Decimal) -> float:
    """Write a line of the key, what it is and how much; return where the next one begins."""
    room = TALL - 28 - LETTER * (len(pounds(amount)) + 1)
    drawing.write(26, y + 16, (lines_of(name, room, most=1)[0][0], ""))
    drawing.write(TALL - 2, y + 16, (pounds(amount), "strong end"))
    return y + ROW


def row_of(lengths: Sequence[float]) -> list[Node]:
    """Place bars beside one another over the whole width."""
    gap = (TALL - 4 - sum(lengths)) / max(len(lengths) - 1, 1) if len(lengths) > 1 else 0.0
    nodes, x = [], 2.0
    for length in lengths:
        nodes.append(Node(x, length))
        x += length + gap
    return nodes
