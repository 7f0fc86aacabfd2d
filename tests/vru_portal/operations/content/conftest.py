import copy
import io

import pytest
import yaml
from django.core.management import call_command

from tests.vru_portal.operations.content.units import GOOD


@pytest.fixture
def unit():
    return copy.deepcopy(GOOD)


@pytest.fixture
def load(tmp_path):
    """Write the unit into a folder and load it from there."""

    def _load(unit):
        for name, content in unit.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            (tmp_path / f"{name}.yaml").write_text(text)
        output = io.StringIO()
        call_command("load_unit", tmp_path, stdout=output)
        return output.getvalue()

    return _load
