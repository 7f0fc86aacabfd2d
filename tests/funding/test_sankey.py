"""The picture's numbers are the table's numbers, and both are those of the accounts."""

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.template.loader import render_to_string

from funding.models import FinancialYear, FundingSource
from funding.sankey.drawing import TALL_WIDTH, WIDE_WIDTH, draw_tall, draw_wide
from funding.sankey.flows import TONES, money_flow
from funding.templatetags.funding import sankey, spend_bar
from funding.year_accounts import AllocationBalance, SourceAccount, YearAccounts
from programmes.models import PreventionLevel
from vru_portal.ledger.cut_off import NOW

MARKS = ("circle", "triangle", "square", "diamond", "hexagon", "pentagon")


def levels(number):
    return [PreventionLevel(pk=n, name=f"Level {n}", mark=MARKS[n % 6], slug=f"level-{n}") for n in range(number)]


def balance(number, source, level, amount, paid="0", name="", varied="0"):
    """A balance of an initiative; without a level, of a budget heading."""
    heading = level is None
    return AllocationBalance(
        pk=number,
        public_id=f"allocation{number}",
        continues=None,
        awarded_on=date(2031, 5, 5),
        source=source,
        source_name=f"Chest {source}",
        initiative=None if heading else number,
        initiative_name=None if heading else name or f"Initiative {number}",
        initiative_slug=None if heading else f"initiative-{number}",
        level=level,
        level_slug=None if heading else f"level-{level}",
        level_mark=None if heading else MARKS[level % 6],
        heading=number if heading else None,
        heading_name=f"Heading {number}" if heading else None,
        heading_slug=f"heading-{number}" if heading else None,
        heading_kind="staff" if heading else None,
        recipient=1,
        recipient_name="Mill",
        recipient_slug="mill",
        kind="grant",
        awarded=Decimal(amount),
        varied=Decimal(varied),
        paid=Decimal(paid),
        late=Decimal(0),
        awarded_in_all=Decimal(amount),
        award=Decimal(amount),
    )


def accounts(amounts, balances, carried=(), returned=()):
    rows = []
    for number, amount in enumerate(amounts):
        source = FundingSource(pk=number, name=f"Chest {number}", slug=f"chest-{number}", amount=Decimal(amount))
        forward = Decimal(carried[number]) if carried else Decimal(0)
        back = Decimal(returned[number]) if returned else Decimal(0)
        own = [e for e in balances if e.source == number]
        rows.append(SourceAccount(own, source, carried=forward, returned=back))
    return YearAccounts(balances, FinancialYear(first_year=2031), NOW, rows)


CASES: dict[str, tuple[Any, ...]] = {
    "one of each": (["100"], [balance(1, 0, 0, "40.55", "12.34")], 1, ()),
    "all of it": (["100", "0.01"], [balance(1, 0, 0, "100", "100"), balance(2, 1, 1, "0.01")], 2, ()),
    "a penny of millions": (["99999999.99"], [balance(1, 0, 0, "0.01")], 3, ()),
    "carried forward": (["100", "50"], [balance(1, 0, 0, "30")], 1, ("10", "50")),
    "paid on what was reversed": (["100"], [balance(1, 0, 0, "0", "5"), balance(2, 0, 0, "7")], 1, ()),
    "a hundred sources, 300 initiatives": (
        [str(1000 + n) for n in range(100)],
        [balance(n, n % 100, n % 3, f"{n + 1}.01", f"{n}") for n in range(300)],
        3,
        (),
    ),
    "headings and a return": (
        ["100", "50"],
        [balance(1, 0, 0, "40", "12.34"), balance(2, 0, None, "25.01", "20", varied="5"), balance(3, 1, None, "10")],
        1,
        (),
        ("9.99", "40"),
    ),
    "six levels": (["1000"], [balance(n, 0, n % 6, "10") for n in range(60)], 6, ()),
    "over-allocated, as only a bypassed trigger allows": (["100"], [balance(1, 0, 0, "150")], 1, ()),
}


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request):
    amounts, balances, number, carried, *returned = request.param
    books = accounts(amounts, balances, carried, *returned)
    return books, money_flow(books, levels(number))


def test_picture_and_table_hold_the_numbers_of_the_accounts(case):
    books, flow = case
    assert sum(level.allocated for level in flow.groups) == books.allocated
    assert sum(level.paid for level in flow.groups) == books.paid
    assert sum(row.amount for row in flow.sources) == books.total
    assert flow.total == max(books.total, books.allocated + books.carried + books.returned)
    for group in flow.groups:
        from_sources = sum((row.groups.get(group.key, Decimal(0)) for row in flow.sources), Decimal(0))
        assert from_sources == group.allocated
    for source in flow.sources:
        assert sum(source.groups.values()) + source.unallocated + source.carried + source.returned >= source.amount


def test_what_is_drawn_has_every_sum_of_the_rows_and_stays_inside(case):
    _, flow = case
    for drawing, width in ((draw_wide(flow), WIDE_WIDTH), (draw_tall(flow), TALL_WIDTH)):
        said = [label.text for label in drawing.labels]
        for group in flow.groups:
            if group.allocated:
                assert f"£{group.allocated:,.2f}".removesuffix(".00") in said
        for row in flow.unallocated:
            assert f"£{row.amount:,.2f}".removesuffix(".00") in said
        numbers = []
        for shape in (*drawing.bands, *drawing.bars):
            assert re.fullmatch(r"[MCvhz\d. -]+", shape.path), shape.path
            x, y = re.findall(r"-?[\d.]+", shape.path)[:2]
            numbers.append((float(x), float(y)))
        assert all(0 <= x <= width and 0 <= y <= drawing.height for x, y in numbers)
        assert all(0 < float(label.y) <= drawing.height for label in drawing.labels)


def test_the_size_of_a_band_is_its_amount():
    books = accounts(["300", "100"], [balance(1, 0, 0, "200"), balance(2, 0, 1, "100"), balance(3, 1, 1, "50")])
    drawing = draw_wide(money_flow(books, levels(2)))
    heights = [float(re.findall(r"v([\d.]+)", band.path)[0]) for band in drawing.bands]
    # to the initiatives, the largest first of each level; then from the sources to each level and what is left
    assert heights == pytest.approx([220, 110, 55, 220, 110, 55, 55], abs=0.11)


def test_labels_do_not_overlap():
    books = accounts(
        ["100"] * 6, [balance(n, n % 6, n % 3, f"{n + 1}", name="A rather long name of work " * 3) for n in range(40)]
    )
    drawing = draw_wide(money_flow(books, levels(3)))
    for x in {label.x for label in drawing.labels}:
        heights = sorted(float(label.y) for label in drawing.labels if label.x == x)
        assert all(after - before >= 16 for before, after in pairwise(heights)), x


def test_a_phones_key_has_each_name_whole():
    books = accounts(["1000"] * 3, [balance(1, 0, 0, "30")])
    names = ["Local authorities and the police of both counties", "Home Office", "A" * 40 + " " + "B" * 40]
    for row, name in zip(books.sources, names, strict=True):
        row.source.name = name
    drawing = draw_tall(money_flow(books, levels(1)))
    key = [label for label in drawing.labels if label.x == "26.0"]
    text = " ".join(label.text for label in key)
    assert "…" not in text
    assert text.replace(" ", "").startswith("".join(names).replace(" ", ""))
    heights = [float(label.y) for label in key]
    assert all(after - before >= 16 for before, after in pairwise(heights))


def test_many_are_grouped_and_none_is_lost():
    books = accounts([str(10 + n) for n in range(40)], [balance(n, n, n % 3, "1", "0.5") for n in range(40)])
    flow = money_flow(books, levels(3))
    assert len(flow.sources) == TONES
    assert flow.sources[-1].name == "35 other sources"
    assert [row.name for group in flow.groups for row in group.rows if not row.slug] == [
        "10 others",
        "9 others",
        "9 others",
    ]
    assert len({row.tone for row in flow.sources}) == TONES


def test_one_more_than_fits_is_named_rather_than_called_1_other():
    books = accounts(["100"], [balance(n, 0, 0, "1") for n in range(13)])
    assert all(row.slug for row in money_flow(books, levels(1)).groups[0].rows)


def test_names_are_written_as_text(rf):
    nasty = '<script>alert(1)</script> & "friends"'
    books = accounts(["100"], [balance(1, 0, 0, "50", name=nasty)])
    html = render_to_string("components/sankey.html", sankey(money_flow(books, levels(1))))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert " style=" not in html


def test_bars_of_two_years_on_a_page_share_no_id():
    """Staff start with a bar for each year that still has money."""
    books = accounts(["100"], [balance(1, 0, 0, "50", "20")])
    later = YearAccounts(books.balances, FinancialYear(first_year=2032), NOW, books.sources)
    html = "".join(render_to_string("components/spend_bar.html", spend_bar(one)) for one in (books, later))
    ids = re.findall(r' id="([^"]+)"', html)
    assert ids == ["hatch-due-2031-32", "hatch-due-2032-33"]
    assert re.findall(r"url\(#([^)]+)\)", html) == ids


@pytest.mark.parametrize("amounts", [["0.01", "9999999999", "0.01"], ["1", "1", "1"], ["0", "0", "5"]])
def test_the_bar_shows_even_a_penny_and_fills_the_width(amounts):
    paid, due, left = map(Decimal, amounts)
    books = accounts([str(paid + due + left)], [balance(1, 0, 0, str(paid + due), str(paid))] if paid + due else [])
    parts = spend_bar(books)["parts"]
    assert [part["amount"] for part in parts] == [amount for amount in (paid, due, left) if amount]
    assert all(Decimal(part["width"]) > Decimal("0.5") for part in parts)
    assert Decimal(parts[-1]["x"]) + Decimal(parts[-1]["width"]) == pytest.approx(Decimal(100), abs=Decimal("0.05"))
