"""The commands of docs/operations/ that can be tried anywhere, as an operator runs them, page after page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.support.processes.databases import run_python
from tests.support.processes.portal_process import environment

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the commands are the same on both databases")
PAGES = ("installing", "keys", "backups", "upgrading", "incidents", "requests")
TESTED = re.compile(r"^<!-- tested -->\n```\n(.*?)^```", re.MULTILINE | re.DOTALL)
SIGNED = """
import django; django.setup()
from events.declarations.models import Declaration
from tests.support.signing import invite_and_sign, open_signing
open_signing(declaration=Declaration.objects.get())
invite_and_sign("A body", "sam@body.example")
"""


def commands(page: str, places: dict[str, str]) -> list[str]:
    """The tested blocks of a page, with this test's folders where an operator has others."""
    blocks = TESTED.findall((settings.BASE_DIR / "docs" / "operations" / f"{page}.md").read_text())
    assert blocks, page
    for written, here in places.items():
        blocks = [block.replace(written, here) for block in blocks]
    return blocks


def test_every_page_works_as_it_is_written(tmp_path: Path) -> None:
    for name in ("backups", "keys"):
        (tmp_path / name).mkdir()
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    places = {
        ".venv/bin/python": sys.executable,
        "/mnt/backups": f"{tmp_path}/backups",
        "/mnt/keys": f"{tmp_path}/keys",
        "/etc/vru-portal/passphrase": f"{tmp_path}/passphrase",
        "/tmp/rehearsal": f"{tmp_path}/rehearsal",  # noqa: S108 - replaced by the test's own
    }
    values = {"VAR_DIR": str(tmp_path / "var")}
    said: dict[str, str] = {}
    for page in PAGES:
        for block in commands(page, places):
            done = subprocess.run(
                [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", block],
                cwd=settings.BASE_DIR,
                env=environment(**values),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{page}:\n{block}\n{done.stdout}{done.stderr}"
            said[page] = said.get(page, "") + done.stdout
        if page == "installing":
            signed = run_python(values, "-c", SIGNED)
            assert signed.returncode == 0, signed.stderr
    assert "Password: " in said["installing"]
    assert "Its register is complete, with 1 entries." in said["backups"]
    assert "sam@body.example" in said["requests"]
    assert not (tmp_path / "rehearsal").exists()
