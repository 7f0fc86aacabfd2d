"""What a process of the portal does before anything else. `serve` consists of six, and each command is one."""

import pytest

from tests.support.processes.databases import run_python_for_json

# Installed as operators install it, the portal has no odfpy, which a library of the tests brings.
START = """
import gc, json, sys
sys.modules["odf"] = None
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
from vru_portal.tabular.readers import CSV, ODS, XLSX
slow = ["openpyxl", "xlsxwriter", "PIL", "pikepdf", "pyhanko"]
print(json.dumps({
    "imported": [name for name in slow if name in sys.modules],
    "formats": [(form().get_title(), form().can_import()) for form in (CSV, XLSX, ODS)],
    "collects": gc.isenabled(),
    "frozen": gc.get_freeze_count(),
}))
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return run_python_for_json({"VAR_DIR": str(tmp_path_factory.mktemp("var"))}, "-c", START)


def test_what_takes_long_to_import_is_imported_only_where_it_is_used(start):
    assert start["imported"] == []


def test_every_kind_of_spreadsheet_can_be_imported_without_the_libraries_that_only_tests_have(start):
    assert start["formats"] == [["csv", True], ["xlsx", True], ["ods", True]]


def test_what_a_start_has_made_is_not_looked_through_for_garbage(start):
    assert start["collects"]
    assert start["frozen"] > 100_000
