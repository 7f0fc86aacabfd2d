"""How many connections and files the web server is allowed."""

import resource
import subprocess
import sys
from functools import partial

import pytest

from vru_portal.management.commands.serve import web_server_command
from vru_portal.operations import serving


@pytest.mark.parametrize(
    ("hard", "files", "connections"),
    [(1024, 1024, 341), (65_536, 48_000, 16_000), (resource.RLIM_INFINITY, 48_000, 16_000)],
)
def test_a_worker_accepts_connections_for_as_long_as_it_has_files(monkeypatch, hard, files, connections):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, hard))
    assert (serving.most_files(), serving.most_connections()) == (files, connections)
    command = web_server_command()
    assert command[command.index("--backpressure") + 1] == str(connections)


def test_processes_start_with_as_many_files_as_the_system_allows():
    """Under a lower limit, as most systems set one for a start, and in a process of its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"

    def prepare(ours):
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        if ours:
            serving.prepare_process(niceness=0)

    run = partial(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run(preexec_fn=partial(prepare, False)).stdout) == 256  # the control
    assert int(run(preexec_fn=partial(prepare, True)).stdout) == serving.most_files()
