"""A database that an earlier version has made and filled, brought to today's: nothing in it is another afterwards."""

import subprocess
import tarfile
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.conf import settings

from tests.own_database import answer, empty_database, python

pytestmark = pytest.mark.django_db

BEFORE = "18229881cdb42f82bd50c7dc41d3f2fa3f79761e"  # the last version before migrations were squashed
# What every version can say of itself: each page's status and the sums on it, each file to the byte.
PORTRAIT = """
import hashlib, json, re, sys
import django, time_machine
django.setup()
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
from tests.walk import text_of, walk
def portrait(response):
    kind = response.headers["Content-Type"].partition(";")[0]
    if kind == "text/html":
        return [response.status_code, re.findall(r"£[0-9,.]+", text_of(response))]
    if kind in ("text/csv", "application/json", "text/plain"):
        return [response.status_code, hashlib.sha256(response.content).hexdigest()]
    return [response.status_code]
with time_machine.travel(sys.argv[1], tick=False):  # files say when they were made
    print(json.dumps({address: portrait(response) for address, response in walk(Client()).items()}))
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The code of the earlier version."""
    git = ["git", "-C", str(settings.BASE_DIR)]
    if not (settings.BASE_DIR / ".git").exists():
        pytest.skip(f"This is no checkout of git: version {BEFORE[:7]} cannot be had from it.")
    folder = tmp_path_factory.mktemp("before")
    archive = subprocess.run([*git, "archive", BEFORE], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def test_a_demonstration_of_an_earlier_version_is_the_same_after_the_upgrade(tmp_path, before):
    with empty_database(tmp_path / "var", "upgraded") as database:
        values = database | {"DEMO": "1", "GRANTS_PREFIX": "360G-example"}
        for command in ("migrate", "demo"):
            made = python(values, "manage.py", command, "--verbosity", "0", checkout=before)
            assert made.returncode == 0, made.stderr
        moment = datetime.now(UTC).isoformat()
        then = answer(values, "-c", PORTRAIT, moment, checkout=before)
        upgraded = python(values, "manage.py", "migrate", "--verbosity", "0")
        assert upgraded.returncode == 0, upgraded.stderr
        now = answer(values, "-c", PORTRAIT, moment)
        assert len(then) > 100
        assert {address: now.get(address) for address in then} == then
        verified = python(values, "manage.py", "register", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        collected = python(
            values, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"
        )  # reconcile reads pages
        assert collected.returncode == 0, collected.stderr
        # 2: what is paid late or in excess is listed, and no penny differs
        reconciled = python(values, "manage.py", "reconcile")
        assert reconciled.returncode == 2, reconciled.stdout + reconciled.stderr
        unchanged = python(values, "manage.py", "makemigrations", "--check", "--dry-run")
        assert unchanged.returncode == 0, unchanged.stdout
