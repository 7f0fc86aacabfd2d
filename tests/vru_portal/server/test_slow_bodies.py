"""Bodies that do not end: no thread waits for one. tests/faults/test_slow_clients.py sends hundreds over HTTP."""

import asyncio

import pytest

from vru_portal.server.refusals import RequestRefused

pytestmark = [pytest.mark.django_db, pytest.mark.once]


class Trickle:
    """A client that sends a byte now and then, as granian hands them over, and never ends."""

    sent = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0.001)
        self.sent += 1
        return b"a"


def test_a_body_that_trickles_is_given_up_when_its_time_is_over(monkeypatch):
    from vru_portal.server import rsgi  # which looks for the folder of static files

    monkeypatch.setattr(rsgi, "SECONDS_FOR_BODY", 0.05)
    application, client = rsgi.Application(), Trickle()
    environ = {"PATH_INFO": "/declaration/ask/", "CONTENT_LENGTH": "100000"}
    with pytest.raises(RequestRefused) as refused:
        asyncio.run(application.body_of(environ, client))
    assert refused.value.status == 408
    assert client.sent
    assert application.threads.waiting == 0  # no thread was asked for


class Sender:
    """A client that sends so many bytes, and the rest when it is told to."""

    def __init__(self, rest):
        self.rest = rest

    async def __aiter__(self):
        yield b"a" * 20_000
        await self.rest.wait()
        yield b"a" * 20_000


def test_a_large_body_is_kept_in_a_file_and_a_small_one_in_memory():
    from vru_portal.server import rsgi

    async def bodies():
        rest = asyncio.Event()
        rest.set()
        return await rsgi.receive_body(40_000, Sender(rest)), await rsgi.receive_body(0, Sender(rest))

    large, empty = asyncio.run(bodies())
    with large, empty:
        assert (large._rolled, empty._rolled) == (True, False)
        assert large.read() == b"a" * 40_000


def test_of_large_bodies_only_so_many_are_received_at_a_time(monkeypatch):
    from vru_portal.server import rsgi

    monkeypatch.setattr(rsgi, "MAX_LARGE_BODIES", 2)
    application = rsgi.Application()

    async def send():
        rest = asyncio.Event()

        def body(length):
            environ = {"PATH_INFO": "/declaration/ask/", "CONTENT_LENGTH": str(length)}
            return asyncio.create_task(application.body_of(environ, Sender(rest)))

        first = [body(40_000) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(RequestRefused) as refused:
            await body(40_000)
        assert refused.value.status == 503
        rest.set()
        small = await body(0)
        assert small.read() == b""
        large = await asyncio.gather(*first)
        return [*large, await body(40_000), small]

    for received in asyncio.run(send()):
        received.close()
    assert application.large_bodies == 0
