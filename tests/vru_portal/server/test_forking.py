"""What the web server's workers share: what is loaded, and neither a connection to the database nor a thread."""

import pytest

from tests.support.processes.databases import migrated_database, run_python_for_json

PREPARED = """
import json, threading
from django.db import connections
from vru_portal.server.__main__ import prepare_to_fork

def open_connections():
    return sum(one.connection is not None for one in connections.all())

before = open_connections()
prepare_to_fork()
print(json.dumps([before, open_connections(), threading.active_count()]))
"""


@pytest.fixture
def values(tmp_path, template):
    with migrated_database(tmp_path, "portal_forked", template) as found:
        yield found | {"VAR_DIR": str(tmp_path)}


def test_no_worker_inherits_a_connection_or_a_thread(values):
    assert run_python_for_json(values, "-c", PREPARED) == [1, 0, 1]
