"""What the launch unit's content quotes is word for word, and the rest is in the portal's own words."""

import re

import pytest
from django.apps import apps

from tests.unit_content.files import (
    BROCHURE,
    LAUNCH_UNIT,
    records,
    values,
)
from vru_portal.text.markdown import is_markdown, render


def brochure() -> str:
    """Return the only source as one line, without the marks of its typography."""
    if not BROCHURE.is_file():
        pytest.skip(f"the source of the quotations, {BROCHURE}, is not here")
    return " ".join(BROCHURE.read_text(encoding="utf-8").replace("**", "").split())


@pytest.mark.once
@pytest.mark.parametrize("quoted", values(LAUNCH_UNIT, "partners.statement", "quote"))
def test_quoted_sentences_are_whole_and_word_for_word(quoted):
    assert re.search(rf"(?:^|[.?!] ){re.escape(quoted)}(?: |$)", brochure())


@pytest.mark.once
@pytest.mark.parametrize(
    "exact",
    [
        *values(LAUNCH_UNIT, "partners.unit", "slogan"),
        *values(LAUNCH_UNIT, "funding.fundingsource", "wording", "stated_as"),
        *values(LAUNCH_UNIT, "funding.financialyear", "stated_as", "spend_by_stated"),
        *(
            e["fields"]["definition"]
            for e in records(LAUNCH_UNIT)
            if e["model"] == "programmes.term" and "defined_by" in e["fields"]
        ),
    ],
)
def test_what_must_be_exact_is_word_for_word(exact):
    assert exact in brochure()


@pytest.mark.once
def test_text_in_quotation_marks_is_word_for_word():
    own = {"Exit this page"}  # a button of the portal
    quoted = {
        " ".join(part.split()).rstrip(",.")
        for entry in records(LAUNCH_UNIT)
        for text in entry["fields"].values()
        if isinstance(text, str)
        for part in re.findall("“([^”]*)”", text)
    }
    assert len(quoted) > 20
    assert [part for part in sorted(quoted - own) if part not in brochure()] == []


@pytest.mark.once
def test_sentences_are_the_portals_own():
    """Nine words in a row that are also in the source are a copy, unless they are quoted.

    Names and what must be exact are exempt.
    """
    length = 9

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[\w£.,&]*\w", text.lower())
        return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}

    source = runs(brochure())
    exempt = {"quote", "wording", "name", "title", "value", "department", "other_names"}
    copies = [
        f"{entry['model']} {field}: {' '.join(run)}"
        for entry in records(LAUNCH_UNIT)
        for field, text in entry["fields"].items()
        if isinstance(text, str) and field not in exempt and "defined_by" not in entry["fields"]
        for part in re.split("“[^”]*”", text)
        for run in runs(part) & source
    ]
    assert not copies, "\n".join(copies)


@pytest.mark.once
def test_no_sentence_is_broken_off():
    """Lines of a file that are wrapped unevenly are read as lines that somebody meant to end there."""
    texts = {
        f"{entry['model']} {field}: {text[:60]}": str(render(text))
        for entry in records(LAUNCH_UNIT)
        for field, text in entry["fields"].items()
        if isinstance(text, str) and "defined_by" not in entry["fields"]
        if is_markdown(apps.get_model(entry["model"])._meta.get_field(field))
    }
    assert len(texts) > 30
    ends = r"[.:?!”)]$|</(?:strong|a)>$"
    assert [
        named
        for named, html in texts.items()
        if "<br>" in html or any(not re.search(ends, part) for part in re.findall(r"<p>(.*?)</p>", html, re.DOTALL))
    ] == []
