"""deploy/systemd as systemd reads it: no line that it would ignore, and little that a hijacked portal could reach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ANALYZE = shutil.which("systemd-analyze") or ""
UNITS = sorted((settings.BASE_DIR / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MAX_EXPOSED = 20  # of 100, as `systemd-analyze security` counts; 96 is a unit without any protection
pytestmark = pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not installed (apt-get install systemd)")


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units with the paths of this checkout: systemd looks whether what they start is there."""
    folder = tmp_path_factory.mktemp("units")
    programs = str(Path(sys.executable).parent)
    for unit in UNITS:
        text = unit.read_text().replace("/srv/vru-portal/.venv/bin", programs)
        (folder / unit.name).write_text(text.replace("/srv/vru-portal", str(settings.BASE_DIR)))
    return folder


def analyze(*arguments):
    done = subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_systemd_finds_nothing_wrong(units):
    assert analyze("verify", "--man=no", "--recursive-errors=no", *map(str, sorted(units.iterdir()))) == (0, "")
    broken = units / "broken.service"
    broken.write_text((units / "vru-portal.service").read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "Unknown key" in analyze("verify", "--man=no", str(broken))[1]
    broken.unlink()


@pytest.mark.parametrize("service", SERVICES, ids=lambda unit: unit.name)
def test_a_hijacked_portal_could_reach_little(service):
    code, said = analyze("security", "--offline=true", f"--threshold={MAX_EXPOSED}", str(service))
    assert code == 0, said.splitlines()[-1]
    assert "Restart=on-failure" in service.read_text() or "Type=oneshot" in service.read_text()


def test_the_processes_that_last_count_in_one_folder_and_the_jobs_leave_none_behind_each_minute():
    texts = {service.stem.removeprefix("vru-portal-"): service.read_text() for service in SERVICES}
    counts = {name for name, text in texts.items() if "PROMETHEUS_MULTIPROC_DIR=/run/vru-portal-metrics\n" in text}
    assert counts == {"web", "mail"}  # `serve` has a folder of its own
    kept = "RuntimeDirectory=vru-portal-metrics\nRuntimeDirectoryMode=0700\nRuntimeDirectoryPreserve=yes\n"
    assert all(kept in texts[name] for name in counts)
