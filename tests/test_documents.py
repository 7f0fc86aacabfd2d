"""The documentation: every path, name, command and link in it exists."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, get_commands, load_command_class

from vru_portal.public.open_data.datasets import DATASETS

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
# The records of decisions, which people cite by number.
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))

APPS = ("partners", "programmes", "funding", "events")
# Made on the reader's machine, so not part of the repository.
MADE_LATER = ("var/", ".venv/", "demo/")
SUFFIXES = (".py", ".md", ".html", ".txt", ".typ", ".yaml", ".toml", ".scss", ".js", ".example")

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
# `funding/rules/sources.py` or `funding/rules/allocations.py:allocate`, which names something that the file defines.
PATH = re.compile(r"(?P<path>[\w.-]+(?:/[\w.-]+)*/?)(?::(?P<name>\w+))?")
# A table whose first column has the modules of one folder.
MODULES = re.compile(r"^\| Module in `(?P<folder>[\w/]+/)` \|.*\n\|[-|]+\|\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def code_in(text: str) -> Iterator[str]:
    """Yield each piece of inline code and each line of a code block."""
    for block in FENCE.findall(text):
        yield from block.splitlines()[1:-1]
    yield from INLINE_CODE.findall(FENCE.sub("", text))


def paths_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield each path of this repository that a document gives, with the name after its colon, if any."""
    top_level = {path.name for path in ROOT.iterdir()}
    for code in code_in(text):
        for word in code.split():
            found = PATH.fullmatch(word.rstrip(".,;"))
            if found is None or found["path"].startswith(MADE_LATER):
                continue
            path, name = found["path"], found["name"] or ""
            in_a_folder = "/" in path and (path.split("/")[0] in top_level or path.endswith(("/", *SUFFIXES)))
            if in_a_folder or path.endswith((".py", ".md")):
                yield path, name


def exists(path: str) -> bool:
    """Whether the repository has this path; a file name without a folder may be in any."""
    if (ROOT / path).exists():
        return True
    return "/" not in path and any(next(ROOT.glob(f"{top}/**/{path}"), None) for top in ("vru_portal", *APPS, "docs"))


def defines(path: str, name: str) -> bool:
    """Whether a Python module defines a class, function, method, attribute or constant of this name."""
    definition = re.compile(rf"^\s*(?:class |(?:async )?def )?{name}\b\s*(?:[(:=\[]|$)", re.MULTILINE)
    return definition.search((ROOT / path).read_text(encoding="utf-8")) is not None


def anchors_in(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines_in(text: str) -> Iterator[list[str]]:
    """Yield the words behind `manage.py` in each line of the code blocks; a line may continue after a backslash."""
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines()[1:-1]:
            _, found, words = line.partition("manage.py ")
            if found:
                yield shlex.split(re.split(r"\s[|>&;]", words)[0], comments=True)


def refusal(words: list[str]) -> str:
    """What a command says about options and arguments that it does not know; empty if it takes them."""
    name, *arguments = words
    if name not in get_commands():
        return ""  # which is a problem of its own
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    try:
        parser.parse_args(arguments)
    except CommandError as error:
        return f"manage.py {' '.join(words)}: {str(error).removeprefix('Error: ')}"
    return ""


def problems_in(text: str, folder: Path = ROOT) -> list[str]:
    """Say what a document gets wrong, a line each. Links are relative to the document's own folder."""
    found = []
    for path, name in paths_in(text):
        if not exists(path):
            found.append(f"{path} does not exist")
        elif name and not defines(path, name):
            found.append(f"{path} does not define {name}")
    for table in MODULES.finditer(text):
        for name in re.findall(r"^\| `(\w+)` \|", table["rows"], re.MULTILINE):
            if not exists(f"{table['folder']}{name}.py") and not exists(f"{table['folder']}{name}/__init__.py"):
                found.append(f"{table['folder']} has no module {name}")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in code_in(text):
        if (make := re.match(r"make ([a-z-]+)", code)) and make[1] not in targets:
            found.append(f"make {make[1]} is not in the Makefile")
        for command in re.findall(r"manage\.py ([a-z_]+)", code):
            if command not in get_commands():
                found.append(f"manage.py {command} is not a command")
    found += filter(None, map(refusal, command_lines_in(text)))
    for link in LINK.findall(FENCE.sub("", text)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (folder / target).resolve()
        if not path.exists():
            found.append(f"the link to {link} leads nowhere")
        elif anchor and anchor not in anchors_in(path.read_text(encoding="utf-8") if target else text):
            found.append(f"the link to {link} names no heading")
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_that_a_document_names_exists(document):
    assert problems_in(document.read_text(encoding="utf-8"), document.parent) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("See `funding/ruels.py`.", "funding/ruels.py does not exist"),
        ("See `finance/`.", "finance/ does not exist"),
        ("See `funding/nothing`.", "funding/nothing does not exist"),
        ("See `nowhere.py`.", "nowhere.py does not exist"),
        ("See `funding/rules/allocations.py:alocate`.", "funding/rules/allocations.py does not define alocate"),
        ("```\n.venv/bin/python -m pytest tests/nothing.py\n```", "tests/nothing.py does not exist"),
        ("```\nmake nothing   # no such target\n```", "make nothing is not in the Makefile"),
        ("Run `manage.py nothing FILE`.", "manage.py nothing is not a command"),
        (
            "```\n.venv/bin/python manage.py staff list --all  # of them\n```",
            "manage.py staff list --all: unrecognized arguments: --all",
        ),
        (
            "```\nmanage.py register rotate\n```",
            "manage.py register rotate: argument action: invalid choice: 'rotate' (choose from 'verify', 'checkpoint', "
            "'rotate-key')",
        ),
        (
            "```\nmanage.py restore --replace\n```",
            "manage.py restore --replace: the following arguments are required: archive",
        ),
        (
            "| Module in `funding/rules/` | What it holds |\n|---|---|\n| `payments` | … |\n| `paymnets` | … |\n",
            "funding/rules/ has no module paymnets",
        ),
        ("[Here](docs/nothing.md)", "the link to docs/nothing.md leads nowhere"),
        ("[Here](docs/money.md#nothing)", "the link to docs/money.md#nothing names no heading"),
        ("# Money\n[Here](#money) and [here](#mony)", "the link to #mony names no heading"),
    ],
)
def test_what_does_not_exist_is_reported(text, problem):
    assert problems_in(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "`funding/rules/allocations.py:allocate`, `tests/units/riverside`, `verify.py`, `make test`, `manage.py serve`",
        "`/funding/2019-20/payments.csv?month=2019-12`, `var/mail/`, `FILE.csv`, `EMAIL_URL`, `register.json`",
        "[GOV.UK](https://www.gov.uk/nothing) and [money](docs/money.md)",
    ],
)
def test_what_exists_or_is_no_path_is_not_reported(text):
    assert problems_in(text) == []


def test_the_readme_names_the_test_command():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_public_pages_name_every_dataset():
    text = (ROOT / "docs/public-pages.md").read_text(encoding="utf-8")
    rows = re.search(r"^\| Datasets \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert rows
    assert {*code_in(rows[0])} == {*DATASETS}


def import_contracts() -> list[dict[str, Any]]:
    """Return the contracts of import-linter: the layers of the packages, and those inside an app."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def words_of(layers: Iterable[str]) -> list[list[str]]:
    """Return the names in each layer, sorted, without the prefix that they share."""
    return [sorted(re.findall(r"[\w.]+", layer.replace("vru_portal.", ""))) for layer in layers]


def test_the_architecture_describes_every_package():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in ROOT.glob("vru_portal/*/__init__.py")} - {"migrations", "templatetags"}
    rows = [*(f"vru_portal/{name}/" for name in sorted(packages)), *(f"{app}/" for app in APPS)]
    assert [row for row in rows if f"| `{row}` |" not in text] == []


def test_the_architecture_explains_every_file_name_of_the_contract():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (inside_an_app,) = [contract for contract in import_contracts() if "containers" in contract]
    names = {name for layer in words_of(inside_an_app["layers"]) for name in layer} - {"management"}
    explained = {*code_in(text), *(Path(path).stem for path, _ in paths_in(text))}
    assert names - explained == set()


def test_the_architecture_shows_the_layers_of_the_contract():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (block,) = [block for block in FENCE.findall(text) if "vru_portal.urls" in block]
    assert words_of(block.splitlines()[1:-1]) == words_of(import_contracts()[0]["layers"])


def messages_of(source: str) -> list[str]:
    """Return the texts of a program, with {} for what it fills in."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def test_what_the_documentation_quotes_of_verify_py_is_what_it_prints():
    text = (ROOT / "docs/declaration.md").read_text(encoding="utf-8")
    table = re.search(r"^\| It says \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table
    quoted = [row.split(" | ")[0].removeprefix("| ") for row in table[1].splitlines()]
    printed = messages_of((ROOT / "events/declarations/register/verify.py").read_text(encoding="utf-8"))
    for quotation in quoted:
        for part in quotation.split("…"):
            form = re.sub(r"receipt-\d+\.json|\d+", "{}", part.strip())
            assert any(form in message for message in printed), part


def test_decisions_are_numbered_without_gaps_and_have_three_parts():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path.name
        assert f"({path.name})" in (path.parent / "README.md").read_text(encoding="utf-8"), path.name
