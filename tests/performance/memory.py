"""What the portal takes at rest: `python -m tests.performance.memory`, on the embedded default with the launch content.

Counted is each process's proportional share (PSS): memory that processes share counts once, divided among them.
"""

import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import django

PAGES = ("/", "/initiatives/", "/funding/2019-20/", "/declaration/", "/partners/")
SECONDS_AT_REST = 20


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")
    django.setup()
    from tests.support.processes.portal_process import portal

    with tempfile.TemporaryDirectory() as folder:
        for start in ("new database", "second start"):
            with portal(Path(folder) / "var") as served:
                after = served.wait_until_ready()
                print(f"{start}: announced after {after:.1f} s, {processor_time(served):.1f} s of CPU")
                if start == "second start":
                    for path in PAGES:
                        urllib.request.urlopen(served.url(path)).read()  # noqa: S310 - http only
                    time.sleep(SECONDS_AT_REST)
                    print_shares(served.members())
    return 0


def processor_time(served: Any) -> float:
    """Seconds of the processor used by the processes that are running, and by their children that have ended."""
    ticks = 0
    for pid in served.members():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def print_shares(processes: dict[int, str]) -> None:
    print(f"{'process':<40}{'MB':>8}{'of it private':>16}")
    shares = {pid: share_of(pid) for pid in processes}
    for pid, (total, private) in sorted(shares.items()):
        name = " ".join(re.findall(r"-m (\S+(?: [a-z]\w+)?)|(manage\.py \w+)", processes[pid])[0]).strip()
        print(f"{name:<40}{total:>8.0f}{private:>16.0f}")
    print(f"{'together':<40}{sum(total for total, _ in shares.values()):>8.0f}")


def share_of(pid: int) -> tuple[float, float]:
    """The proportional share of a process, and what of it nobody else has; in MB."""
    found = dict(re.findall(r"^(\w+): +(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    return int(found["Pss"]) / 1024, (int(found["Private_Clean"]) + int(found["Private_Dirty"])) / 1024


if __name__ == "__main__":
    sys.exit(main())
