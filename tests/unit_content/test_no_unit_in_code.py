"""No code belongs to one unit: its facts are only in `fixtures/`."""

from pathlib import Path

import pytest

from tests.unit_content.files import APPS, RIVERSIDE, ROOT, distinctive_words, words_found_in

CODE = (".py", ".html", ".txt", ".xml", ".css", ".scss", ".js", ".mjs", ".svg", ".typ")
OTHER_FOLDERS = {".git", ".venv", "node_modules", "var", "tests", "fixtures", "docs", "requirements"}


def code_files() -> list[Path]:
    """Return the portal's code, templates and style."""
    found: list[Path] = []
    for path in sorted(ROOT.iterdir()):
        if path.is_dir() and path.name not in OTHER_FOLDERS and not path.name.startswith("."):
            found += [
                p for p in path.rglob("*") if p.suffix in CODE and not OTHER_FOLDERS & set(p.relative_to(ROOT).parts)
            ]
        elif path.suffix in CODE:
            found.append(path)
    return found


@pytest.mark.once
def test_no_fact_of_the_launch_unit_is_in_code_templates_or_style():
    words = distinctive_words()
    assert len(words) > 100, "the content must yield words to look for"
    assert len(code_files()) > 50, "the portal must yield files to look in"
    assert {
        str(path.relative_to(ROOT)): found
        for path in code_files()
        if (found := words_found_in(path.read_text(encoding="utf-8"), words))
    } == {}


@pytest.mark.once
def test_the_search_for_facts_finds_them():
    """The control of the test above: each of these would give the launch unit away."""
    words = distinctive_words()
    for slip in ("(3_370_000, 0)", "Decimal('524000.00')", "such as £4.034 million", "<p>IRIS</p>", "by\n  April 2020"):
        assert words_found_in(slip, words), slip
    assert words_found_in('fill="iris" class="home-office-of" 13370000', words) == []


@pytest.mark.once
def test_the_made_up_unit_shares_nothing_with_the_launch_unit():
    words = distinctive_words()
    for name in APPS:
        assert words_found_in((RIVERSIDE / f"{name}.yaml").read_text(encoding="utf-8"), words) == []
