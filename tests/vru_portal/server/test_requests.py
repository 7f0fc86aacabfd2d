"""What is refused before a thread works for a request; `test_rsgi.py` asks over HTTP."""

import asyncio
import errno
import os
import socket
import sys
from contextlib import closing
from threading import Event
from time import monotonic, process_time
from types import SimpleNamespace

import pytest
from django.http import parse_cookie

from vru_portal.server.connections import limit_unread
from vru_portal.server.headers import (
    MAX_COOKIE_CHARACTERS,
    MAX_HEADER_CHARACTERS,
    MAX_HEADER_FIELDS,
    environ_of,
    too_large,
)
from vru_portal.server.refusals import ClientGone, RequestRefused
from vru_portal.server.threads import FilesInProgress, Threads


class Fields(list[tuple[str, str]]):
    """Headers as granian has them."""

    def items(self):
        return list(self)


def scope(*fields):
    return SimpleNamespace(
        method="GET", path="/", query_string="", http_version="1.1", scheme="http", authority=None,
        server="127.0.0.1:8000", client="192.0.2.1:40000", headers=Fields(fields),
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        [("a", "b")] * MAX_HEADER_FIELDS,
        [("a", "b" * (MAX_HEADER_CHARACTERS - 1))],
        [("cookie", "c" * MAX_COOKIE_CHARACTERS)],
    ],
)
def test_headers_may_reach_the_limits_but_not_exceed_them(fields):
    assert not too_large(fields)
    name, value = fields[0]
    assert too_large([*fields, (name, "x")])
    assert too_large([(name, f"{value}xx"), *fields[1:]]) is (len(fields) == 1)


def test_a_header_that_comes_several_times_is_one_list():
    environ = environ_of(scope(("accept", "a"), ("cookie", "a=b"), ("accept", "b"), ("cookie", "c=d")))
    assert (environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]) == ("a,b", "a=b; c=d")


def test_a_cookie_with_escapes_is_left_out():
    escaped = '"' + "\\1" * 4000 + '"'
    environ = environ_of(scope(("cookie", f"a={escaped}; csrftoken=b"), ("cookie", f'c="d;{escaped}"')))
    assert environ["HTTP_COOKIE"] == ' csrftoken=b; c="d'
    began = process_time()
    assert parse_cookie(environ["HTTP_COOKIE"]) == {"csrftoken": "b", "c": '"d'}
    assert process_time() - began < 0.02


def test_joining_many_headers_takes_no_longer_for_each():
    """20,000 values of 100 characters: joined one by one, they are copied 20,000 times."""
    began = process_time()
    environ = environ_of(scope(*[("x-many", "v" * 100)] * 20_000))
    assert process_time() - began < 1
    assert len(environ["HTTP_X_MANY"]) == 20_000 * 101 - 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends connections that nobody reads")
@pytest.mark.parametrize("limited", [True, False])
def test_the_connection_of_a_client_that_reads_nothing_ends(limited):
    with socket.create_server(("127.0.0.1", 0)) as listening, closing(socket.socket()) as client:
        if limited:
            assert limit_unread(seconds=1) >= 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(listening.getsockname())
        accepted, _ = listening.accept()
        began = monotonic()
        with closing(accepted):
            accepted.settimeout(10 if limited else 3)
            with pytest.raises(OSError, match="timed out") as ended:
                accepted.sendall(bytes(2**26))  # more than the system buffers
        assert (ended.value.errno == errno.ETIMEDOUT) is limited  # not the test's own patience
        assert monotonic() - began < 10


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux lists the open files of a process.")
def test_looking_for_the_port_leaves_no_file_open(tmp_path):
    with (tmp_path / "file").open("w"), socket.create_server(("127.0.0.1", 0)):
        before = os.listdir("/proc/self/fd")
        for _ in range(3):
            limit_unread(seconds=60)
        assert os.listdir("/proc/self/fd") == before


# Files that wait ------------------------------------------------------------------------------------------------------


class Files:
    """Files of which the first is being made until a test lets it end."""

    def __init__(self, most=3):
        self.files = FilesInProgress(Threads(1, "files", most))
        self.first, self.begun, self.made = Event(), Event(), []

    def make(self, name):
        self.begun.set()
        assert self.first.wait(10)
        self.made.append(name)
        return name

    def ask(self, name, gone):
        return asyncio.create_task(self.files.make(name, lambda: self.make(name), gone.wait()))


def test_a_file_is_made_once_and_not_for_clients_who_have_left():
    async def ask():
        files, staying, leaving = Files(), asyncio.Event(), asyncio.Event()
        asked = [files.ask("first", staying), files.ask("first", staying)]
        asked += [files.ask("left", leaving), files.ask("wanted", leaving), files.ask("wanted", staying)]
        await asyncio.to_thread(files.begun.wait, 10)
        leaving.set()
        await asyncio.sleep(0.1)
        files.first.set()
        return await asyncio.gather(*asked, return_exceptions=True), files

    answers, files = asyncio.run(ask())
    assert files.made == ["first", "wanted"]
    assert [answer if isinstance(answer, str) else type(answer) for answer in answers] == [
        "first", "first", ClientGone, ClientGone, "wanted",
    ]  # fmt: skip
    assert (files.files.making, files.files.threads.waiting) == ({}, 0)


def test_more_files_than_may_wait_are_refused_and_those_who_leave_make_room():
    async def ask():
        files, staying, leaving = Files(most=2), asyncio.Event(), asyncio.Event()
        asked = [files.ask("first", staying), files.ask("left", leaving)]
        await asyncio.sleep(0)
        refused = await asyncio.gather(files.ask("third", staying), return_exceptions=True)
        leaving.set()
        await asyncio.sleep(0.1)
        asked.append(files.ask("fourth", staying))
        await asyncio.sleep(0.1)
        files.first.set()
        return *refused, *await asyncio.gather(*asked, return_exceptions=True)

    refused, first, left, fourth = asyncio.run(ask())
    assert isinstance(refused, RequestRefused)
    assert refused.status == 503
    assert isinstance(left, ClientGone)
    assert (first, fourth) == ("first", "fourth")


@pytest.mark.django_db
@pytest.mark.once
def test_files_that_wait_keep_no_page_from_being_made():
    from vru_portal.server import rsgi  # which looks for the folder of static files

    application = rsgi.Application()
    application.files.threads.waiting = rsgi.MAX_FILES_WAITING
    assert asyncio.run(application.threads.run(lambda: "page")) == "page"
