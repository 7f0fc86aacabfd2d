"""Every process of a portal is killed or stopped, again and again, while people sign and payments are recorded."""

import os
import random
import signal
import statistics
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.support.faults.load import PAYING, Load, compared
from tests.support.faults.reporting import rounds
from tests.support.faults.servers import kill_postgres, loaded, own_postgres, parents, start_postgres
from tests.support.faults.waiting import SECONDS_TO_COME_BACK, status, wait_for
from tests.support.processes.databases import run_python, run_python_for_json
from tests.support.processes.portal_process import free_port, portal

pytestmark = pytest.mark.server
LIVES, KILLS_IN_A_LIFE = rounds(20), 5  # fewer than after which `serve` gives up: it is killed, too, and started anew
BODIES = 80  # more than can sign in one life
FAULT = "Processes of the portal killed"


def served_with(change):
    """The command that serves the portal with a change of the process that watches the others."""
    return (
        sys.executable,
        "-c",
        "import json, os, sys\n"
        "from vru_portal.operations import serving\n"
        f"{change}\n"
        "os.execv = lambda program, command: serving.main(serving.Plan(**json.load(open(0, closefd=False))))\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'serve'])",
    )


STARTS_NOTHING_AGAIN = served_with("serving.Supervisor.check = lambda self: None")
ASKS_NOBODY = served_with("serving.Liveness.ask_for_ever = lambda self: None")


def place(values, *words):
    return run_python_for_json(values, "-m", "tests.support.faults.place", *map(str, words))


def processes(served, victim):
    """The numbers of the web workers, or of what `serve` has started itself."""
    commands, above = served.members(), parents()
    if victim == "web worker":
        return sorted(pid for pid in commands if "vru_portal.server" in commands.get(above.get(pid, 0), ""))
    return sorted(pid for pid, said in commands.items() if victim in said and above.get(pid) == served.process.pid)


def kill(served, victim):
    """Kill one; return how many seconds the portal took to answer again."""
    wait_for(lambda: processes(served, victim))
    os.kill(random.choice(processes(served, victim)), signal.SIGKILL)  # noqa: S311 - any will do
    return wait_for(lambda: status(served) == 200)


def verified(values):
    """What a portal's own checks say about its register and its books."""
    for command, expected in (("register verify", 0), ("reconcile", 0)):
        done = run_python(values, "manage.py", *command.split())
        assert done.returncode == expected, done.stdout + done.stderr
    return "register verifies, books reconcile"


def test_processes_that_are_killed_hundreds_of_times_lose_and_double_nothing(unit, report):
    loads, back, starts = [], [], []
    for _ in range(LIVES):
        prepared = place(unit, "prepare", BODIES, PAYING)
        port = free_port()
        with portal(Path(unit["VAR_DIR"]), **unit | {"PORT": port}) as served:
            served.wait_until_ready()
            with Load(served, prepared) as load:
                for _ in range(KILLS_IN_A_LIFE):
                    for victim in ("web worker", "mail_queue"):
                        time.sleep(random.uniform(0, 1))  # noqa: S311 - any moment will do
                        back.append(kill(served, victim))
                back.append(kill(served, "vru_portal.server"))
                time.sleep(random.uniform(0, 1))  # noqa: S311 - any moment will do
                served.kill()
                with portal(Path(unit["VAR_DIR"]), **unit | {"PORT": port}) as again:
                    starts.append(wait_for(lambda: status(again) == 200))
                    load.ended.set()
                    for thread in load.threads:
                        thread.join()
            load.require_expected(again)
        loads.append(load)
    counted = compared(loads, found := place(unit, "count"))
    assert found["faults"] == []
    assert sum(load.interrupted for load in loads)
    report(
        FAULT,
        done=f"{len(back) + len(starts)} kills: {LIVES * KILLS_IN_A_LIFE} web workers, {LIVES * KILLS_IN_A_LIFE} mail "
        f"queues with the timer, {LIVES} each of web server and all at once; 4 sign and 2 record payments, who got no "
        f"answer {sum(load.interrupted for load in loads)} times",
        whole=verified(unit),
        back=f"{max(back):.1f} s at most; {max(starts):.1f} s after all were killed, and started",
        **counted,
    )
    assert (counted["lost"], counted["doubled"]) == (0, 0)
    assert counted["acknowledged"] > 5 * LIVES
    # Most are web workers, beside which another answers; at worst the web server starts, as long as that takes here.
    assert statistics.median(back) < SECONDS_TO_COME_BACK
    assert max(back) < SECONDS_TO_COME_BACK + max(starts)


def test_a_web_server_that_nothing_supervises_stays_away(unit, report):
    with portal(Path(unit["VAR_DIR"]), *STARTS_NOTHING_AGAIN, **unit) as served:
        served.wait_until_ready()
        for pid in (*processes(served, "vru_portal.server"), *processes(served, "web worker")):
            os.kill(pid, signal.SIGKILL)
        time.sleep(10)  # more than it takes the supervisor
        assert status(served) == 0
    report(FAULT, control="a killed web server does not answer again, without the supervisor")


SECONDS_TO_REPLACE = 120  # three times ten seconds without an answer, and a start
SECONDS_UNTIL_ASKED = 25  # a web server that has never answered is given longer
SECONDS_WITHOUT_AN_ANSWER = 90  # longer than it takes until a web server that hangs is ended
HANGS = "Web server stopped in the middle"


def test_a_web_server_that_hangs_is_replaced_and_one_that_answers_is_not(unit, report):
    with portal(Path(unit["VAR_DIR"]), **unit | {"WORKERS": "2"}) as served:
        served.wait_until_ready()
        time.sleep(SECONDS_UNTIL_ASKED)
        assert "has not answered" not in served.printed
        hung = served.web_server()
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        while not served.answers():
            assert time.monotonic() - began < SECONDS_TO_REPLACE, served.printed
            time.sleep(0.2)
        back = time.monotonic() - began
        assert "The web server has not answered 3 times in a row and is ended." in served.printed
        assert not served.web_server() & hung
    report(HANGS, done="all its processes, with SIGSTOP", back=f"{back:.1f} s")


def test_a_web_server_that_nobody_asks_hangs_for_good(unit, report):
    """The control: it has not ended, so whoever only watches for ends sees nothing wrong.

    Were it replaced, the connection on which the test waits would be reset.
    """
    with portal(Path(unit["VAR_DIR"]), *ASKS_NOBODY, **unit) as served:
        served.wait_until_ready()
        time.sleep(SECONDS_UNTIL_ASKED)
        hung = served.web_server()
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(served.url("/healthz"), timeout=SECONDS_WITHOUT_AN_ANSWER)  # noqa: S310 - http only
        assert served.web_server() == hung
    report(HANGS, control=f"if nobody asks it, no answer within {SECONDS_WITHOUT_AN_ANSWER} s, nor any new process")


SILENCE = 20  # seconds, instead of the two minutes that a busy machine is given
IMPATIENT = served_with(f"from vru_portal.operations import liveness; liveness.SECONDS_OF_SILENCE = {SILENCE}")
IGNORES_PULSE = served_with("serving.Pulse.hangs = False")
QUEUE_HANGS = "Mail queue stopped in the middle"


def test_a_mail_queue_that_hangs_is_replaced_and_one_that_works_is_not(unit, report):
    with portal(Path(unit["VAR_DIR"]), *IMPATIENT, **unit) as served:
        served.wait_until_ready()
        [queue] = processes(served, "mail_queue")
        time.sleep(2 * SILENCE)
        assert processes(served, "mail_queue") == [queue]
        os.kill(queue, signal.SIGSTOP)
        back = wait_for(lambda: queue not in served.members() and processes(served, "mail_queue"))
        assert f"The mail queue has given no sign of life for {SILENCE} seconds and is ended." in served.printed
    report(QUEUE_HANGS, done="once, with SIGSTOP", back=f"{back:.1f} s, where {SILENCE} s of silence are allowed")


def test_a_mail_queue_whose_pulse_is_ignored_hangs_for_good(unit, report):
    """The control."""
    with portal(Path(unit["VAR_DIR"]), *IGNORES_PULSE, **unit) as served:
        served.wait_until_ready()
        [queue] = processes(served, "mail_queue")
        os.kill(queue, signal.SIGSTOP)
        time.sleep(2 * SILENCE)
        assert processes(served, "mail_queue") == [queue]
    report(QUEUE_HANGS, control=f"if its pulse is ignored, it is still stopped after {2 * SILENCE} s")


POSTGRESQL_KILLS = rounds(30)
ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to kill")
POSTGRESQL_FAULT = "PostgreSQL killed"
WORKERS = 2
WRITERS = ["walwriter", "background writer", "checkpointer"]  # by which PostgreSQL writes what is committed in memory


def signed_while_postgres_is_killed(folder, kills, *, writes_late=False):
    """Return what was acknowledged and what is left of it, the portal's settings and how long it took to be back."""
    back = []
    with own_postgres() as (values, pid_file, server):
        values |= {"VAR_DIR": str(folder)}
        loaded(values)
        prepared = place(values, "prepare", 10 * kills + BODIES, PAYING)
        with portal(folder, **values | {"PORT": free_port(), "WORKERS": WORKERS}) as served:
            served.wait_until_ready()
            wait_for(lambda: len(processes(served, "web worker")) == WORKERS)
            before = set(served.members())
            if writes_late:
                write_late(server)
            with Load(served, prepared) as load:
                for number in range(kills):
                    wait_for(lambda: len(load.signed) > number)  # noqa: B023 - called at once
                    time.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - any moment will do
                    kill_postgres(pid_file)
                    start_postgres(server)
                    back.append(wait_for(lambda: status(served) == 200))
                load.abandoned = writes_late  # the register has lost entries, so signing is closed and stays so
            assert set(served.members()) == before
            counted = compared([load], found := place(values, "count"))
            whole = "" if counted["lost"] else verified(values)
        if not counted["lost"]:
            load.require_expected()
    return counted, found["faults"], whole, max(back), load.interrupted


def write_late(server):
    """Let this PostgreSQL acknowledge what is in its memory only, and stop what would write it down a little later."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connected:
        connected.execute("ALTER SYSTEM SET synchronous_commit = off")
        connected.execute("SELECT pg_reload_conf()")
        wait_for(lambda: connected.execute("SHOW synchronous_commit").fetchone() == ("off",))
        writers = connected.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = ANY(%s)", [WRITERS])
        for (pid,) in writers.fetchall():
            os.kill(pid, signal.SIGSTOP)


@ON_POSTGRESQL
def test_a_postgresql_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path, report):
    counted, faults, whole, back, interrupted = signed_while_postgres_is_killed(tmp_path / "var", POSTGRESQL_KILLS)
    done = f"{POSTGRESQL_KILLS} kills of all its processes; 4 sign, 2 record payments, {interrupted} times told to wait"
    report(POSTGRESQL_FAULT, done=done, whole=whole, back=f"{back:.1f} s at most after its start", **counted)
    assert (counted["lost"], counted["doubled"], faults) == (0, 0, [])
    assert back < SECONDS_TO_COME_BACK


@ON_POSTGRESQL
def test_a_postgresql_that_acknowledges_before_it_has_written_loses_signatures(tmp_path, report):
    """The control: a commit is acknowledged at once, and never written."""
    counted, *_ = signed_while_postgres_is_killed(tmp_path / "var", 1, writes_late=True)
    assert counted["lost"]
    report(POSTGRESQL_FAULT, control=f"with synchronous_commit off, one kill loses {counted['lost']} acknowledged rows")
