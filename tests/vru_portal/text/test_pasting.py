"""Text pasted from Word, a browser or an email becomes what its writer meant."""

import pytest

from programmes.models import Story
from vru_portal.text.markdown import left_out_of, links_in, render
from vru_portal.text.pasting import normalise_markdown

LONG = (
    "The partnership met people in every part of the county, asked what they wanted to change, and wrote it all down. "
    * 2
)

PASTED = {
    "a checklist": ("☐\tOne\n☑\tTwo", "<ul>\n<li>☐ One</li>\n<li>☑ Two</li>\n</ul>"),
    "a product": ("Open 24*7*365 and 5*3 times", "<p>Open 24*7*365 and 5*3 times</p>"),
    "a paragraph indented by a tab": ("One.\n\n\tTwo.", "<p>One.</p>\n<p>Two.</p>"),
    "a paragraph indented by spaces": ("One.\n\n        Two.", "<p>One.</p>\n<p>Two.</p>"),
    "round bullets": ("•\tone\n•\ttwo", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "bullets without a tab": ("• one\n• two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "middle dots": ("·\u00a0\u00a0one\n·\u00a0\u00a0two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "the symbol of a font": ("\uf0b7\tone\n\uf0b7\ttwo", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "dashes with tabs": ("–\tone\n–\ttwo", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "dashes with spaces": ("– one\n– two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    "a single dash": ("– she said", "<p>– she said</p>"),
    "a list in a list": (
        "•\tone\no\tin one\no\tin one too\n•\ttwo",
        "<ul>\n<li>one\n<ul>\n<li>in one</li>\n<li>in one too</li>\n</ul>\n</li>\n<li>two</li>\n</ul>",
    ),
    "an indented list, which has lost its first indent": (
        "•\tone\n\t•\ttwo",
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>",
    ),
    "numbers with brackets": ("1)\tone\n2)\ttwo", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
    "numbers after a paragraph": (
        "Still open:\n3.\tthree",
        '<p>Still open:</p>\n<ol start="3">\n<li>three</li>\n</ol>',
    ),
    "letters": ("a)\tone\nb)\ttwo", "<ul>\n<li>a) one</li>\n<li>b) two</li>\n</ul>"),
    "letters below numbers": (
        "1.\tone\n\t(a)\tin one\n2.\ttwo",
        "<ol>\n<li>one\n<ul>\n<li>(a) in one</li>\n</ul>\n</li>\n<li>two</li>\n</ol>",
    ),
    "a paragraph before and after a list": (
        "Before:\n•\tone\nAfter.",
        "<p>Before:</p>\n<ul>\n<li>one</li>\n</ul>\n<p>After.</p>",
    ),
    "a letter that is no bullet": ("o one", "<p>o one</p>"),
    "an underlined line": ("Title\n---", "<p>Title</p>\n<hr>"),
    "a doubly underlined line": ("Title\n=====", "<p>Title</p>\n<hr>"),
    "a heading without a space": ("##Title", "<h3>Title</h3>"),
    "a hashtag": ("#StopTheViolence", "<p>#StopTheViolence</p>"),
    "an address": ("1 Quay\nTown\nTW1 1AA", "<p>1 Quay<br>\nTown<br>\nTW1 1AA</p>"),
    "paragraphs of one long line each": (f"{LONG}\nAnd more.", f"<p>{LONG.strip()}</p>\n<p>And more.</p>"),
    "cells with tabs": (
        "Year\tCount\n2030\t4 | 5",
        '<div class="scroller" tabindex="0" role="group" aria-label="Table">\n<table>\n<thead>\n<tr>\n'
        '<th scope="col">Year</th>\n<th scope="col">Count</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n'
        "<td>2030</td>\n<td>4 | 5</td>\n</tr>\n</tbody>\n</table>\n</div>",
    ),
    "a list in one line, from a PDF": (
        "• one • two • three",
        "<ul>\n<li>one</li>\n<li>two</li>\n<li>three</li>\n</ul>",
    ),
    "the anchor that Google Docs gives a heading": ("## Title {#title-1}", "<h3>Title</h3>"),
    "a link of which nothing is left": (
        "[ ](https://moor.example.org) and [![](https://moor.example.org/a.png)](https://moor.example.org)",
        '<p><a href="https://moor.example.org" rel="noopener">https://moor.example.org</a> and '
        '<a href="https://moor.example.org" rel="noopener">https://moor.example.org</a></p>',
    ),
    "a contents line": ("Introduction\t3", "<p>Introduction\t3</p>"),
}


@pytest.mark.parametrize("kind", PASTED)
def test_pasted_text_becomes_what_its_writer_meant(kind):
    text, html = PASTED[kind]
    assert render(normalise_markdown(text)).strip() == html


@pytest.mark.parametrize("kind", PASTED)
def test_a_second_reading_changes_nothing(kind):
    once = normalise_markdown(PASTED[kind][0])
    assert normalise_markdown(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "- one\n- two\n    - three\n\n1. one\n2. two",
        "```\n•\tone\nA\tB\n1\t2\n```",
        "```\n• one • two\nhttps://www.google.com/url?q=https://portal.example.org/\n```",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "> • said\n> more",
        "## Heading\nText",
        "2031. It was a good year",
    ],
)
def test_markdown_stays_as_it_is(text):
    assert normalise_markdown(text) == text


def test_the_corner_and_the_last_cell_of_a_table_may_be_empty():
    text = "\t2030\t2031\nKnives\t3\t4\nGuns\t5\t".strip()
    assert normalise_markdown(text) == "|  | 2030 | 2031 |\n| --- | --- | --- |\n| Knives | 3 | 4 |\n| Guns | 5 |  |"
    assert '<td></td>\n<th scope="col">2030</th>' in render(normalise_markdown(text))  # a heading of nothing is none


def test_a_text_that_was_wrapped_to_fit_a_window_is_one_paragraph():
    wrapped = "\n".join(["word " * 15 + "end"] * 3 + ["the end"])
    assert "<br>" not in render(wrapped)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://moor.example.org/a_b?x=1&y=2.", "https://moor.example.org/a_b?x=1&y=2"),
        ("(www.moor.example.org/a)", "https://www.moor.example.org/a"),
        ("www.moor.example", "https://www.moor.example"),
        ("moor.example.org/a; more", "https://moor.example.org/a"),
        ("Write to a.b@moor.example.org!", "mailto:a.b@moor.example.org"),
        ("[a](/about/) and ![b](/pictures/b/)", "/about/ /pictures/b/"),
        ("We asked about it.In the end, e.g.this one", ""),
        ("[a](www.moor.example.org/a)", "https://www.moor.example.org/a"),
        ("[a](moor.example.org)", "https://moor.example.org"),
        ("[a](a.b@moor.example.org)", "mailto:a.b@moor.example.org"),
        ("[a](about/x.html) and [b](#c)", "about/x.html #c"),
        ("ftp://moor.example.org and //moor", ""),
    ],
)
def test_addresses_become_links(text, address):
    assert " ".join(links_in(text)) == address


def test_the_form_and_files_clean_a_text_alike():
    story = Story(
        title="A", slug="a", summary="A.", published_on="2031-05-05", as_at="2031-05-05", body="Text:\r\n•\tone\r\n"
    )
    story.clean_fields(exclude={"source"})
    assert story.body == "Text:\n\n- one"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("![](/pictures/walk/)", "The picture /pictures/walk/ has no alternative text."),
        ("![ ](/pictures/walk/)", "The picture /pictures/walk/ has no alternative text."),
        ("![a](https://moor.example.org/a.png)", "is not in this portal"),
        ("[a](ftp://moor.example.org/)", "The link to ftp://moor.example.org/ does not work here."),
    ],
)
def test_nothing_is_left_out_without_a_word(text, sentence):
    assert sentence in left_out_of(text)[0]


def test_what_is_shown_is_not_called_left_out():
    assert (
        left_out_of("![A walk](/pictures/walk/) [a](/about/) [b](tel:01632960001) https://moor.example.org <b>") == []
    )


def test_a_list_of_another_kind_after_an_empty_line_is_a_list_of_its_own():
    pasted = "•\tOne\n•\tTwo\n\n1)\tFirst\n2)\tSecond"
    assert normalise_markdown(pasted) == "- One\n- Two\n\n1. First\n2. Second"
    nested = "•\tOne\no\tInside\n\n•\tTwo"
    assert normalise_markdown(nested) == "- One\n    - Inside\n\n- Two"


def test_a_picture_inside_a_pasted_text_is_named_and_does_not_make_the_text_too_long():
    pasted = normalise_markdown(f"![][image1]\n\n[image1]: <data:image/png;base64,{'iVBORw0KGgo' * 20_000}=>")
    assert pasted == "![][image1]\n\n[image1]: <data:image/png;base64,>"
    assert left_out_of(pasted) == [
        "A picture inside the text is not in this portal. Upload it here, and use that picture in the text."
    ]
