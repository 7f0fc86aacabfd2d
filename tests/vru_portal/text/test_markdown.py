import re
import sys
from importlib.util import find_spec, module_from_spec

import pytest
from django.utils.safestring import SafeString

from vru_portal.text import markdown
from vru_portal.text.markdown import MAX_CHARACTERS, MAX_MARKS, problem_of, render
from vru_portal.text.pasting import normalise_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Two *words* and **more**.", "<p>Two <em>words</em> and <strong>more</strong>.</p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>\n'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>\n"),
        ("# One\n\n## Two", "<h3>One</h3>\n<h4>Two</h4>\n"),
        (
            "[a](https://moor.example.org/?a=1&b=2)",
            '<p><a href="https://moor.example.org/?a=1&amp;b=2" rel="noopener">a</a></p>\n',
        ),
        ("[a](/about/)", '<p><a href="/about/" rel="noopener">a</a></p>\n'),
        ("[a](tel:01632960001)", '<p><a href="tel:01632960001" rel="noopener">a</a></p>\n'),
        ("[a](mailto:a@moor.example.org)", '<p><a href="mailto:a@moor.example.org" rel="noopener">a</a></p>\n'),
        ("", ""),
    ],
)
def test_what_staff_mean_is_rendered(text, html):
    assert render(text) == html
    assert isinstance(render(text), SafeString)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('<p onclick="alert(1)">x</p>', '&lt;p onclick="alert(1)"&gt;x&lt;/p&gt;'),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("a <b onmouseover=alert(1)>b</b>", "<p>a &lt;b onmouseover=alert(1)&gt;b&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](JaVaScRiPt:alert(1))", "<p>[x](JaVaScRiPt:alert(1))</p>"),
        ("[x](data:text/html;base64,PHA+)", "<p>[x](data:text/html;base64,PHA+)</p>"),
        ("[x](vbscript:x)", "<p>[x](vbscript:x)</p>"),
        ("[x](ftp://moor.example.org)", '<p><a rel="noopener">x</a></p>'),
        ("![walk](https://moor.example.org/w.png)", "<p></p>"),
        ("`<script>`", "<p><code>&lt;script&gt;</code></p>"),
    ],
)
def test_nothing_that_staff_write_can_run_or_fetch(text, html):
    assert render(text).strip() in (html, f"<p>{html}</p>")


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# a", "3"),
        ("## a", "3"),
        ("###### a", "3"),
        ("# a\n## b\n### c\n## d", "3 4 5 4"),
        ("# a\n### b\n#### c\n### d\n# e", "3 4 5 4 3"),
        ("### a\n## b\n### c", "3 3 4"),
        ("# a\n## b\n### c\n#### d\n##### e", "3 4 5 6 6"),
    ],
)
def test_headings_follow_that_of_the_page_and_skip_no_level(text, levels):
    assert re.findall(r"<h(\d)>", render(text)) == levels.split()
    lower = [str(int(level) - 1) for level in levels.split()]
    assert re.findall(r"<h(\d)>", render(text, 1))[:4] == lower[:4]


# What is written to keep the portal busy ------------------------------------------------------------------------------

# A text of about n characters that parsers of Markdown have taken long over, or made long HTML of.
ATTACKS = {
    "brackets": lambda n: "[" * n,
    "pairs of brackets": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "brackets after a definition": lambda n: "[a]: /u\n\n" + "[x][" * (n // 4),
    "pictures": lambda n: "![" * (n // 2),
    "pictures of pictures": lambda n: "![[](" * (n // 5),
    "links that do not end": lambda n: "[a](" * (n // 4),
    "titles that do not end": lambda n: '[a](b "' * (n // 7),
    "labels that do not end": lambda n: "[a\n" * (n // 3),
    "ends of links": lambda n: "](" * (n // 2),
    "asterisks": lambda n: "*" * n,
    "emphasis that does not end": lambda n: "**a _b " * (n // 7),
    "asterisks and brackets": lambda n: "*[" * (n // 2),
    "angle brackets": lambda n: "<" * n,
    "addresses that do not end": lambda n: "<a:b" * (n // 4),
    "backticks": lambda n: "`" * n,
    "backticks of many lengths": lambda n: " ".join("`" * length for length in range(1, int((2 * n) ** 0.5))),
    "ampersands": lambda n: "&" * n,
    "backslashes": lambda n: "\\" * n,
    "quotations in quotations": lambda n: ">" * n,
    "quotations with lines that belong to them": lambda n: ">" * 50 + "a\n" * (n // 2),
    "lists in lists": lambda n: "- " * (n // 2),
    "lists, one level deeper each line": lambda n: "\n".join(" " * 2 * i + "- a" for i in range(int(n**0.5))),
    "numbered lists": lambda n: "1. a\n" * (n // 5),
    "fences": lambda n: "```\n" * (n // 4),
    "addresses": lambda n: "http://a.uk " * (n // 12),
    "addresses without a space": lambda n: "www.a" * (n // 5),
    "addresses of mailboxes": lambda n: "a@" * (n // 2),
    "tables": lambda n: "|a" * (n // 4) + "\n" + "|-" * (n // 4) + "\n" + "|\n" * (n // 6),
    "tabs": lambda n: "a\t" * (n // 2),
    "cells": lambda n: "a\tb\n" * (n // 4),
    "bullets": lambda n: "•\ta\n" * (n // 4),
    "bullets, one deeper each line": lambda n: "\n".join(" " * i + "•\ta" for i in range(int(n**0.5))),
    "spaces": lambda n: "a" + " " * n + "b",
    "lines": lambda n: "\n" * n,
}


def calls_made(text):
    """How many functions are called to render a text: the work it makes, however busy the machine is."""
    made = 0

    def count(_frame, event, _argument):
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        render(normalise_markdown(text))
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize("attack", ATTACKS)
def test_work_grows_with_the_length_of_a_text_and_not_with_its_square(attack):
    short, long = (calls_made(ATTACKS[attack](n)) for n in (400, 1_600))
    assert long < 6 * short + 1_000


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_longest_text_makes_bounded_work(attack):
    text = ATTACKS[attack](MAX_CHARACTERS)
    assert len(render(text)) < 6 * MAX_CHARACTERS
    assert calls_made(text) < 25 * MAX_CHARACTERS


def test_an_address_repeated_by_many_links_is_not_repeated_in_the_page():
    text = "[a]: /" + "u" * 50_000 + "\n\n" + "[a] " * 2
    assert "The addresses of the links in this text are too long" in problem_of(text)
    assert len(render(text)) < 2 * len(text)
    text = "[a]: /about/\n\n" + "[a] " * 1_000
    assert problem_of(text) == ""
    assert render(text).count('<a href="/about/"') == 1_000


def test_a_text_beyond_the_limits_is_shown_as_plain_text_and_one_within_them_is_not():
    assert render("*a* " * (MAX_MARKS // 2)).count("<em>") == MAX_MARKS // 2
    shown = render("*a* <script>\n\n" * MAX_MARKS)
    assert "<em>" not in shown
    assert shown.startswith("<p>*a* &lt;script&gt;</p>")


def test_the_length_of_a_report_and_the_links_of_a_long_list_are_no_problem():
    paragraph = "The unit *pays* for this, as [the accounts](/funding/) say, and **asks** for proof.\n\n" * 900
    assert problem_of(paragraph[:MAX_CHARACTERS]) == ""
    assert "Shorten it to 100,000" in problem_of("x" * (MAX_CHARACTERS + 1))


def test_the_rules_are_compiled_before_two_threads_can_render_at_once():
    spec = find_spec(markdown.__name__)
    assert spec
    assert spec.loader
    new = module_from_spec(spec)  # as a process has it that has rendered nothing yet
    spec.loader.exec_module(new)
    for parser in (new._markdown, new._plain):
        for ruler in (parser.core.ruler, parser.block.ruler, parser.inline.ruler, parser.inline.ruler2):
            assert ruler.__cache__


def test_without_that_a_second_thread_meets_a_parser_without_rules():
    parser = markdown._make_parser()
    parser.block.ruler.__cache__ = {}  # as it is for a moment while the first thread compiles
    with pytest.raises(RuntimeError, match="none of the block rules matched"):
        parser.parse("Text.")
