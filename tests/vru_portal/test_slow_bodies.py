"""Bodies that do not end: no thread waits for one. tests/faults/test_slow_clients.py sends hundreds over HTTP."""

import asyncio

import pytest

from vru_portal.admission.refusals import RequestRefused

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
    from vru_portal import rsgi  # which looks for the folder of static files

    monkeypatch.setattr(rsgi, "SECONDS_FOR_BODY", 0.05)
    application, client = rsgi.Application(), Trickle()
    environ = {"PATH_INFO": "/declaration/ask/", "CONTENT_LENGTH": "100000"}
    with pytest.raises(RequestRefused) as refused:
        asyncio.run(application.body_of(environ, client))
    assert refused.value.status == 408
    assert client.sent
    assert application.threads.waiting == 0  # no thread was asked for
