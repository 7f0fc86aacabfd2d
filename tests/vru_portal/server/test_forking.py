"""What the web server's workers share: what is loaded, and neither a connection to the database nor a thread."""

import sys

import pytest

from tests.support.processes.databases import migrated_database, run_python_for_json

LOADED = """
import json, os
from django.db import connections
from django.db.backends.signals import connection_created
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import get_resolver
from django.urls.resolvers import get_ns_resolver
from django.utils.functional import empty
from vru_portal.server.__main__ import load_code, load_portal

opened = []
connection_created.connect(lambda connection, **_: opened.append(connection.alias), weak=False)
load_code()
before_database = {
    "connections opened": [*opened],
    "static files known": staticfiles_storage._wrapped is not empty,
    "addresses sorted": [get_resolver()._populated, get_ns_resolver.cache_info().currsize],
}
load_portal()
from vru_portal.web import shared_files

print(json.dumps({
    "before the database is prepared": before_database,
    "connections opened": opened,
    "open connections": sum(one.connection is not None for one in connections.all()),
    "threads": len(os.listdir("/proc/self/task")),
    "knows its code": shared_files.software.cache_info().currsize,
}))
"""


@pytest.fixture
def values(tmp_path, template):
    with migrated_database(tmp_path, "portal_forked", template) as found:
        yield found | {"VAR_DIR": str(tmp_path)}


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_no_worker_inherits_a_connection_or_a_thread(values):
    assert run_python_for_json(values, "-c", LOADED) == {
        "before the database is prepared": {
            "connections opened": [],
            "static files known": False,
            "addresses sorted": [True, 0],  # the public's, not staff's
        },
        "connections opened": ["default"],
        "open connections": 0,
        "threads": 1,
        "knows its code": 1,
    }
