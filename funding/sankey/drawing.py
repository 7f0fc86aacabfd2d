"""The Sankey diagram of a year as outlines for SVG: a wide one, and a tall one for phones.

Lengths are in units of the viewBox, about a pixel each. Coordinates reach the template as text, because templates would
write numbers with the decimal separator of the locale.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from funding.sankey.flows import ZERO, GroupFlow, MoneyFlow
from vru_portal.ledger.money import format_pounds

LINE_HEIGHT = 17  # between the baselines of two lines of text
LETTER_WIDTH = 7.6  # average width at 14 px, rounded up
MIN_BAR_THICKNESS = 3  # a bar can always be seen; only bands get as thin as their amounts


@dataclass(frozen=True)
class DrawnShape:
    """The outline of a bar or band, and its CSS classes."""

    path: str
    css: str


@dataclass(frozen=True)
class TextLine:
    """A line of text. ``css`` may be strong, soft or end (aligned with its right end at x)."""

    x: str
    y: str
    text: str
    css: str = ""


@dataclass(frozen=True)
class LevelMark:
    """The mark of a level."""

    x: str
    y: str
    mark: str


@dataclass
class FlowDrawing:
    """Everything a template draws: bands at the bottom, then bars, then level marks and text."""

    width: int
    height: int = 0
    bands: list[DrawnShape] = field(default_factory=list)
    bars: list[DrawnShape] = field(default_factory=list)
    level_marks: list[LevelMark] = field(default_factory=list)
    labels: list[TextLine] = field(default_factory=list)

    def add_bar(self, x: float, y: float, width: float, height: float, css: str) -> None:
        self.bars.append(DrawnShape(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z", css))

    def add_level_mark(self, x: float, y: float, mark: str) -> None:
        self.level_marks.append(LevelMark(f"{x:.1f}", f"{y:.1f}", mark))

    def write(self, x: float, y: float, *lines: tuple[str, str]) -> None:
        """Write lines of (text, CSS class) below one another, the first with its baseline at y."""
        for number, (text, css) in enumerate(lines):
            self.labels.append(TextLine(f"{x:.1f}", f"{y + LINE_HEIGHT * number:.1f}", text, css))

    def add_band_across(self, x: tuple[float, float], y: tuple[float, float], height: float, css: str) -> None:
        """Draw a band from left to right: (x0, x1) and (y0, y1) are the upper corners of its two ends."""
        # Both control points lie half-way (m), so that the band leaves and arrives at a right angle to the bars.
        (x0, x1), (y0, y1), m = x, y, sum(x) / 2
        there = f"M{x0:.1f} {y0:.1f}C{m:.1f} {y0:.1f} {m:.1f} {y1:.1f} {x1:.1f} {y1:.1f}v{height:.1f}"
        back = f"C{m:.1f} {y1 + height:.1f} {m:.1f} {y0 + height:.1f} {x0:.1f} {y0 + height:.1f}z"
        self.bands.append(DrawnShape(there + back, css))

    def add_band_down(self, y: tuple[float, float], x: tuple[float, float], width: float, css: str) -> None:
        """Draw a band from top to bottom: (y0, y1) and (x0, x1) are the left corners of its two ends."""
        (y0, y1), (x0, x1), m = y, x, sum(y) / 2
        there = f"M{x0:.1f} {y0:.1f}C{x0:.1f} {m:.1f} {x1:.1f} {m:.1f} {x1:.1f} {y1:.1f}h{width:.1f}"
        back = f"C{x1 + width:.1f} {m:.1f} {x0 + width:.1f} {m:.1f} {x0 + width:.1f} {y0:.1f}z"
        self.bands.append(DrawnShape(there + back, css))


@dataclass
class FlowBar:
    """A bar at which bands end and from which others begin, side by side without gaps."""

    start: float
    length: float
    incoming: float = 0  # how much of the bar is taken up by bands so far
    outgoing: float = 0

    def add_incoming(self, thickness: float) -> float:
        """Make room for another incoming band; return where it begins."""
        self.incoming += thickness
        return self.start + self.incoming - thickness

    def add_outgoing(self, thickness: float) -> float:
        """Make room for another outgoing band; return where it begins."""
        self.outgoing += thickness
        return self.start + self.outgoing - thickness


@dataclass(frozen=True)
class BandEnd:
    """A bar at which bands from the sources end, and the amount that comes from each."""

    bar: FlowBar
    parts: Sequence[Decimal]


def wrap_name(name: str, width: float, max_lines: int | None = 2) -> list[tuple[str, str]]:
    """Break a name into short lines, ending in "…" if it does not fit; the table has the full name. None is for all."""
    letters = max(int(width / LETTER_WIDTH), 4)
    return [(line, "") for line in textwrap.wrap(name, letters, max_lines=max_lines, placeholder="…")]


def units_per_pound(flow: MoneyFlow, length: float) -> float:
    """The length of a pound if the whole year is to be this long."""
    accounts = flow.accounts
    used = accounts.allocated + accounts.carried + accounts.returned
    return length / float(max(accounts.total, used, Decimal(1)))


# Wide: from left to right, the height of a band is its amount ---------------------------------------------------------

WIDE_WIDTH, WIDE_BAND_HEIGHT, GAP, TOP = 720, 440, 12, 32.0
SOURCES_X, LEVELS_X, INITIATIVES_X, BAR_THICKNESS = 138, 322, 512, 12
TEXT_X = INITIATIVES_X + 18


def draw_wide(flow: MoneyFlow) -> FlowDrawing:
    """Draw sources, levels and initiatives in three columns."""
    drawing, scale = FlowDrawing(WIDE_WIDTH), units_per_pound(flow, WIDE_BAND_HEIGHT)
    drawing.write(0, 14, ("Sources", "soft"))
    drawing.write(LEVELS_X, 14, ("Levels of prevention", "soft"))
    drawing.write(INITIATIVES_X, 14, ("Initiatives", "soft"))
    y, ends = TOP, []
    for group in flow.groups:
        if group.allocated:
            bar, y = draw_group(drawing, group, y, scale)
            ends.append(BandEnd(bar, [source.groups.get(group.key, ZERO) for source in flow.sources]))
    for unallocated in flow.unallocated:
        bar = FlowBar(y, max(float(unallocated.amount) * scale, MIN_BAR_THICKNESS))
        ends.append(BandEnd(bar, unallocated.parts))
        drawing.add_bar(LEVELS_X, y, INITIATIVES_X + 8 - LEVELS_X, bar.length, unallocated.css)
        drawing.write(TEXT_X, y + 12, (unallocated.name, ""), (format_pounds(unallocated.amount), "strong"))
        y += max(bar.length, 2 * LINE_HEIGHT) + GAP
    drawing.height = int(max(y, draw_sources(drawing, flow, ends, scale, y)))
    return drawing


def draw_group(drawing: FlowDrawing, group: GroupFlow, y: float, scale: float) -> tuple[FlowBar, float]:
    """Draw a level with its initiatives, or the headings, starting at y; return its bar and the y of the next."""
    css, placed, top = group.css, [], y
    for row in group.rows:
        if row.allocated:
            bar, lines = FlowBar(y, float(row.allocated) * scale), wrap_name(row.name, WIDE_WIDTH - TEXT_X)
            placed.append((bar, row, lines))
            y += max(bar.length, LINE_HEIGHT * (len(lines) + 1)) + GAP
    # Names need more room than small sums do: a level is in the middle of its initiatives, and its bands fan out.
    height = float(group.allocated) * scale
    bottom = max(y - GAP, top + max(height, 2 * LINE_HEIGHT))
    level = FlowBar(top + (bottom - top - height) / 2, height)
    for bar, row, lines in placed:
        drawing.add_band_across(
            (LEVELS_X + BAR_THICKNESS, INITIATIVES_X), (level.add_outgoing(bar.length), bar.start), bar.length, css
        )
        drawing.add_bar(INITIATIVES_X, bar.start, 8, max(bar.length, MIN_BAR_THICKNESS), css)
        drawing.write(TEXT_X, bar.start + 12, *lines, (format_pounds(row.allocated), "strong"))
    drawing.add_bar(LEVELS_X, level.start, BAR_THICKNESS, max(height, MIN_BAR_THICKNESS), css)
    text_x = LEVELS_X + BAR_THICKNESS + 10
    if group.level:
        drawing.add_level_mark(text_x, level.start + 5, group.level.mark)
        text_x += 22
    drawing.write(text_x, level.start + 15, (group.name, "strong"), (format_pounds(group.allocated), ""))
    return level, bottom + 2 * GAP


def draw_sources(drawing: FlowDrawing, flow: MoneyFlow, ends: Sequence[BandEnd], scale: float, bottom: float) -> float:
    """Draw the sources down the left side, spread over the height, with their bands; return the y of their end."""
    y, placed = TOP, []
    for source in flow.sources:
        lines = wrap_name(source.name, SOURCES_X - 8, max_lines=3)
        placed.append((source, FlowBar(y, float(source.amount) * scale), lines))
        y += max(placed[-1][1].length, LINE_HEIGHT * (len(lines) + 1)) + GAP
    # The levels are usually taller: sources are moved apart so that both columns end at the same height.
    spread = max(bottom - y, 0) / max(len(placed) - 1, 1)
    for number, (source, bar, lines) in enumerate(placed):
        bar.start += spread * number
        drawing.add_bar(SOURCES_X, bar.start, BAR_THICKNESS, max(bar.length, MIN_BAR_THICKNESS), f"tone-{source.tone}")
        drawing.write(0, bar.start + 12, *lines, (format_pounds(source.amount), "strong"))
    for end in ends:
        for (source, bar, _), amount in zip(placed, end.parts, strict=True):
            if thickness := float(amount) * scale:
                ys = bar.add_outgoing(thickness), end.bar.add_incoming(thickness)
                drawing.add_band_across((SOURCES_X + BAR_THICKNESS, LEVELS_X), ys, thickness, f"tone-{source.tone}")
    return max(y, bottom)


# Tall: from sources above to levels below, the width of a band is its amount ------------------------------------------

TALL_WIDTH, KEY_LINE_HEIGHT, TALL_BAND_LENGTH, BAR_GAP = 288, 26, 150, 8


def draw_tall(flow: MoneyFlow) -> FlowDrawing:
    """Draw sources and levels. Initiatives do not fit on a phone: the table below has them."""
    drawing, y = FlowDrawing(TALL_WIDTH), 0.0
    for source in flow.sources:
        drawing.add_bar(2, y + 4, 14, 14, f"tone-{source.tone}")
        y = write_key_line(drawing, y, source.name, source.amount)
    groups = [group for group in flow.groups if group.allocated]
    # Both rows of bars have the same scale, so the one with more gaps decides how much room is left for money.
    scale = units_per_pound(flow, TALL_WIDTH - BAR_GAP * max(len(flow.sources), len(groups) + len(flow.unallocated)))
    top, bottom = y + 10, y + 10 + BAR_THICKNESS + TALL_BAND_LENGTH
    bars = place_bars([float(source.amount) * scale for source in flow.sources])
    for source, bar in zip(flow.sources, bars, strict=True):
        drawing.add_bar(bar.start, top, max(bar.length, MIN_BAR_THICKNESS), BAR_THICKNESS, f"tone-{source.tone}")
    amounts = [float(group.allocated) * scale for group in groups] + [
        float(unallocated.amount) * scale for unallocated in flow.unallocated
    ]
    parts = [[source.groups.get(group.key, ZERO) for source in flow.sources] for group in groups]
    ends = map(BandEnd, place_bars(amounts), [*parts, *(unallocated.parts for unallocated in flow.unallocated)])
    css = [group.css for group in groups] + [unallocated.css for unallocated in flow.unallocated]
    for end, css_of_end in zip(ends, css, strict=True):
        for source, bar, amount in zip(flow.sources, bars, end.parts, strict=True):
            if thickness := float(amount) * scale:
                xs = bar.add_outgoing(thickness), end.bar.add_incoming(thickness)
                drawing.add_band_down((top + BAR_THICKNESS, bottom), xs, thickness, f"tone-{source.tone}")
        drawing.add_bar(end.bar.start, bottom, max(end.bar.length, MIN_BAR_THICKNESS), BAR_THICKNESS, css_of_end)
    y = bottom + BAR_THICKNESS + 12
    for group in groups:
        if group.level:
            drawing.add_level_mark(1, y + 3, group.level.mark)
        else:
            drawing.add_bar(2, y + 4, 14, 14, group.css)
        y = write_key_line(drawing, y, group.name, group.allocated)
    for unallocated in flow.unallocated:
        drawing.add_bar(2, y + 4, 14, 14, unallocated.css)
        y = write_key_line(drawing, y, unallocated.name, unallocated.amount)
    drawing.height = int(y)
    return drawing


def write_key_line(drawing: FlowDrawing, y: float, name: str, amount: Decimal) -> float:
    """Write a name of the key, in as many lines as it takes, with its amount; return the y of the next."""
    room = TALL_WIDTH - 28 - LETTER_WIDTH * (len(format_pounds(amount)) + 1)
    lines = wrap_name(name, room, max_lines=None)
    drawing.write(26, y + 16, *lines)
    drawing.write(TALL_WIDTH - 2, y + 16, (format_pounds(amount), "strong end"))
    return y + KEY_LINE_HEIGHT + LINE_HEIGHT * (len(lines) - 1)


def place_bars(lengths: Sequence[float]) -> list[FlowBar]:
    """Spread bars over the whole width, with equal gaps."""
    gap = (TALL_WIDTH - 4 - sum(lengths)) / max(len(lengths) - 1, 1) if len(lengths) > 1 else 0.0
    bars, x = [], 2.0
    for length in lengths:
        bars.append(FlowBar(x, length))
        x += length + gap
    return bars
