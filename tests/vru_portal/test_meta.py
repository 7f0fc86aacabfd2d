"""What must hold of every model and of the repository, however it grows."""

import os
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin

APPS = ("partners", "programmes", "results", "funding", "events", "declarations")

# Whether a model keeps the history of its changes: a new model must say which.
HISTORIC, PLAIN = True, False
KEEPS_HISTORY = {
    "partners.sector": PLAIN,
    "partners.publication": HISTORIC,
    "partners.organisation": HISTORIC,
    "partners.unit": HISTORIC,
    "partners.legalnotice": HISTORIC,
    "partners.contactpoint": HISTORIC,
    "partners.person": HISTORIC,
    "partners.post": HISTORIC,
    "partners.statement": HISTORIC,
    "programmes.preventionlevel": HISTORIC,
    "programmes.successcondition": HISTORIC,
    "programmes.audience": PLAIN,
    "programmes.setting": PLAIN,
    "programmes.area": PLAIN,
    "programmes.initiative": HISTORIC,
    "programmes.toolkitapproach": HISTORIC,
    "programmes.evidenceassessment": HISTORIC,
    "programmes.assessmentdecision": PLAIN,
    "programmes.predecessor": HISTORIC,
    "programmes.term": HISTORIC,
    "programmes.passage": HISTORIC,
    "programmes.story": HISTORIC,
    "programmes.picture": HISTORIC,
    "programmes.document": HISTORIC,
    "programmes.documenttext": PLAIN,
    "programmes.synonym": PLAIN,
    "results.breakdown": PLAIN,
    "results.breakdowngroup": PLAIN,
    "results.measure": HISTORIC,
    "results.target": HISTORIC,
    "results.areapopulation": HISTORIC,
    "results.reportingrules": PLAIN,
    "results.workbookcolumn": PLAIN,
    "results.reporter": PLAIN,
    "results.return": PLAIN,
    "results.returndraft": PLAIN,
    "results.token": PLAIN,
    "results.mail": PLAIN,
    "results.approvedreturn": PLAIN,
    "results.approvedfigure": PLAIN,
    "results.approvedpart": PLAIN,
    "funding.financialyear": HISTORIC,
    "funding.fundingsource": HISTORIC,
    "funding.contributor": PLAIN,
    "funding.publicationduty": PLAIN,
    "funding.dutycolumn": PLAIN,
    "funding.budgetheading": HISTORIC,
    "funding.decision": PLAIN,
    "funding.variation": PLAIN,
    "funding.overcommitment": PLAIN,
    "funding.sourcecondition": HISTORIC,
    "funding.fulfilment": HISTORIC,
    "funding.allocation": PLAIN,
    "funding.payment": PLAIN,
    "funding.explanation": PLAIN,
    "funding.contractcopy": PLAIN,
    "funding.regranting": PLAIN,
    "funding.onwardgrant": PLAIN,
    "funding.onwardrequest": PLAIN,
    "funding.onwardtoken": PLAIN,
    "funding.onwardmail": PLAIN,
    "events.event": HISTORIC,
    "events.agendaitem": HISTORIC,
    "events.appearance": HISTORIC,
    "declarations.declaration": PLAIN,
    "declarations.declarationversion": HISTORIC,
    "declarations.signatorybody": PLAIN,
    "declarations.invitation": PLAIN,
    "declarations.preparation": PLAIN,
    "declarations.token": PLAIN,
    "declarations.mail": PLAIN,
    "declarations.signingrequest": PLAIN,
    "declarations.papersignature": PLAIN,
    "declarations.head": PLAIN,
    "declarations.entry": PLAIN,
    "declarations.treenode": PLAIN,
    "declarations.personalrecord": PLAIN,
    "declarations.livesignature": PLAIN,
    "declarations.registerkey": PLAIN,
}
# Edited only inside another model's page.
INLINES = {
    "funding.contributor": "funding.fundingsource",
    "funding.dutycolumn": "funding.publicationduty",
    "results.breakdowngroup": "results.breakdown",
    "results.workbookcolumn": "results.reportingrules",
}

# What staff see only through what it belongs to: the hashes of links, what is filled in, the bones of the register.
UNSEEN = {
    f"declarations.{name}" for name in ("head", "livesignature", "personalrecord", "preparation", "token", "treenode")
} | {
    "programmes.documenttext",
    "funding.onwardtoken",
    *("results.returndraft", "results.token", "results.approvedfigure", "results.approvedpart"),
}

PROJECT_MODELS = [
    model
    for label in APPS
    for model in apps.get_app_config(label).get_models()
    if not model.__name__.startswith("Historical")
]


def test_each_model_is_declared_historic_or_plain():
    assert {model._meta.label_lower: hasattr(model, "history") for model in PROJECT_MODELS} == KEEPS_HISTORY


def test_each_model_can_be_edited_in_the_admin():
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert {label for label in KEEPS_HISTORY if label not in registered} == {*INLINES, *UNSEEN}
    for label, parent in INLINES.items():
        inlines = admin.site._registry[apps.get_model(parent)].inlines
        assert label in {inline.model._meta.label_lower for inline in inlines}


@pytest.mark.parametrize("model", PROJECT_MODELS, ids=lambda model: model._meta.label_lower)
def test_each_model_says_what_it_is(model):
    assert model.__str__ is not object.__str__
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")


NOT_OURS = {".git", ".venv", "node_modules", "var", "__pycache__", ".hypothesis"}


def files(pattern: str) -> list[str]:
    """Return the repository's own files that match, by their path in it."""
    found = []
    for folder, folders, names in os.walk(settings.BASE_DIR):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith("_cache")]
        paths = (Path(folder, name).relative_to(settings.BASE_DIR) for name in names)
        found += [str(path) for path in paths if path.match(pattern)]
    return found


def test_every_file_is_named_for_what_it_holds():
    vague = {"utils.py", "helpers.py", "services.py", "signals.py"}
    assert [name for name in files("*.py") if Path(name).name in vague] == []


# It is one file because strangers download it and read it before they run it.
LONG_FILES = {"events/declarations/register/verify.py"}


def test_files_are_short_and_folders_hold_few():
    own = [Path(name) for name in files("*.py") if "migrations" not in name]
    code = [path for path in own if path.parts[0] != "tests"]
    long = {str(path) for path in code if len((settings.BASE_DIR / path).read_text().splitlines()) > 400}
    assert long == LONG_FILES
    modules = Counter(path.parent for path in own if path.name != "__init__.py")
    assert [str(folder) for folder, count in modules.items() if count > 16] == []


def test_the_contract_of_imports_names_every_module():
    contracts = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {name for layer in contracts[0]["layers"] for name in layer.split(" | ")}
    named = {"vru_portal": layers, "events": set(contracts[1]["source_modules"])}
    # Django's: what is in them imports what it needs. `events.declarations` is what the second contract is about.
    exempt = {"vru_portal.migrations", "events.migrations", "events.apps", "events.declarations"}
    for package, names in named.items():
        modules = [
            *Path(settings.BASE_DIR, package).glob("*.py"),
            *Path(settings.BASE_DIR, package).glob("*/__init__.py"),
        ]
        names_of = {path.stem if path.parent.name == package else path.parent.name for path in modules} - {"__init__"}
        assert {f"{package}.{name}" for name in names_of} - exempt == {
            name for name in names if name.startswith(package)
        }


def test_lock_files_carry_hashes_and_no_addresses():
    names = files("requirements/*.txt")
    assert {"requirements/run.txt", "requirements/dev.txt", "requirements/uv.txt"} <= set(names)
    for name in names:
        text = (settings.BASE_DIR / name).read_text()
        assert "://" not in text, name
        assert "--hash=sha256:" in text, name
    npm = (settings.BASE_DIR / "frontend/package-lock.json").read_text()
    assert '"resolved"' not in npm


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    machine = re.compile(rf"{re.escape(str(settings.BASE_DIR))}\b|/home/[a-z]|/Users/[A-Za-z]|/root/|via -r /")
    found = []
    for name in files("*"):
        try:
            text = (settings.BASE_DIR / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if name != "tests/vru_portal/test_meta.py" and machine.search(text):
            found.append(name)
    assert found == []
