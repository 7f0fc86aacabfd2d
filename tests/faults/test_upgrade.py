"""Upgrading a database that an earlier version made and filled: nothing that its pages said is lost or changed."""

import subprocess
import tarfile
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.conf import settings

from tests.support.processes.databases import empty_database, run_python, run_python_for_json
from vru_portal.table_creation import LAST_BEFORE_SQUASH

pytestmark = pytest.mark.django_db

# Migrations have been squashed three times. From each of these versions, a database is upgraded by the next one.
BEFORE = {
    "1822988": "the last version before the first squash",
    "cf975c0": "the last version before the second squash",
    LAST_BEFORE_SQUASH: "the last version before this squash",
}
# An allocation that was released whole was listed as if it lacked a payment.
TOLD_WRONGLY = {"cf975c0": {"/gaps/": ["£84,840"], "/gaps/payment/": ["£84,840"]}}
# Runs in both versions: each page's status and the sums on it, and each file's figures, dates and identifiers, since
# wording gets better and pages and files tell more. What is signed, or checked by others, is the same to the byte.
PORTRAIT = """
import hashlib, json, re, sys
import django, time_machine
django.setup()
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
try:
    from tests.support import crawler
    crawl = crawler.crawl
except ImportError:  # the earlier version
    from tests import walk as crawler
    crawl = crawler.walk
def portrait(address, response):
    kind = response.headers["Content-Type"].partition(";")[0]
    if kind == "text/html":
        sums = re.findall(r"£[0-9]+(?:,[0-9]{3})*(?:[.][0-9]{2})?", crawler.text_of(response))
        return [response.status_code, *sorted(set(sums))]
    if kind in ("text/csv", "application/json", "text/plain"):
        if address.startswith("/declaration/"):
            return [response.status_code, hashlib.sha256(response.content).hexdigest()]
        figures = re.findall(r"[-A-Za-z]*[0-9][-A-Za-z0-9.]*[0-9]", response.content.decode())
        return [response.status_code, *sorted(set(figures))]
    return [response.status_code]
with time_machine.travel(sys.argv[1], tick=False):  # files contain the time at which they were made
    print(json.dumps({address: portrait(address, response) for address, response in crawl(Client()).items()}))
"""

UNPUBLISH = """
import django
django.setup()
from programmes.models import Initiative
first = Initiative.objects.filter(state="published").order_by("pk").first()
Initiative.objects.filter(pk=first.pk).update(state="draft")
"""


def extracted(commit, folder):
    """Put the code of an earlier version into a folder, which is returned."""
    if not (settings.BASE_DIR / ".git").exists():
        pytest.skip(f"This is not a git checkout, so version {commit} is not available.")
    git = ["git", "-C", str(settings.BASE_DIR)]
    archive = subprocess.run([*git, "archive", commit], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory):
    """The code of each earlier version, oldest first."""
    return {commit: extracted(commit, tmp_path_factory.mktemp(commit)) for commit in BEFORE}


def lost(then, now):
    """What each address said then, and does not say now."""
    missing = {address: [what for what in told if what not in now.get(address, [])] for address, told in then.items()}
    return {address: what for address, what in missing.items() if what}


@pytest.mark.parametrize("commit", BEFORE)
def test_a_demonstration_of_an_earlier_version_is_the_same_after_the_upgrade(commit, tmp_path, checkouts, report):
    checkout, *later = list(checkouts.values())[list(checkouts).index(commit) :]
    with empty_database(tmp_path / "var", "upgraded") as database:
        values = database | {"DEMO": "1", "GRANTS_PREFIX": "360G-example"}
        for command in ("migrate", "demo"):
            made = run_python(values, "manage.py", command, "--verbosity", "0", checkout=checkout)
            assert made.returncode == 0, made.stderr
        moment = datetime.now(UTC).isoformat()
        then = run_python_for_json(values, "-c", PORTRAIT, moment, checkout=checkout)
        for version in [*later, settings.BASE_DIR]:
            upgraded = run_python(values, "manage.py", "migrate", "--verbosity", "0", checkout=version)
            assert upgraded.returncode == 0, upgraded.stderr
        now = run_python_for_json(values, "-c", PORTRAIT, moment)
        assert len(then) > 100
        then = {address.replace("?&", "?"): told for address, told in then.items()}  # as earlier versions wrote some
        assert lost(then, now) == TOLD_WRONGLY.get(commit, {})
        verified = run_python(values, "manage.py", "register", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        collected = run_python(
            values, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"
        )  # reconcile reads pages
        assert collected.returncode == 0, collected.stderr
        # 2: what is paid late or in excess is listed, and no penny differs
        reconciled = run_python(values, "manage.py", "reconcile")
        assert reconciled.returncode == 2, reconciled.stdout + reconciled.stderr
        unpublished = run_python(values, "-c", UNPUBLISH)
        assert unpublished.returncode == 0, unpublished.stderr
        assert lost(then, run_python_for_json(values, "-c", PORTRAIT, moment)) != {}
        unchanged = run_python(values, "manage.py", "makemigrations", "--check", "--dry-run")
        assert unchanged.returncode == 0, unchanged.stdout
    report(
        f"Upgrade from {commit}",
        done=f"a demonstration that it has filled, {BEFORE[commit]}",
        acknowledged=f"{len(then)} pages and files",
        lost=0,
        whole="each figure, file and signed text as before; register verifies, books reconcile",
        control="with one initiative unpublished afterwards, the comparison finds what is missing",
    )
