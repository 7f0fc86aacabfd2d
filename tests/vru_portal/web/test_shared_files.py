"""Files that are made once for each state of the data, however often they are requested."""

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory

from tests.support.factories import OrganisationFactory
from vru_portal.web import shared_files
from vru_portal.web.shared_files import file_state, shared_file_response

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CONTENT = b"0123456789" * 100
SENT: list[Any] = []


@pytest.fixture(autouse=True)
def sent():
    yield
    while SENT:
        SENT.pop().close()


@pytest.fixture
def kept(tmp_path, settings, monkeypatch):
    """The folder, as outside of a transaction."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(shared_files, "connection", SimpleNamespace(in_atomic_block=False))
    return tmp_path / "downloads"


class Making:
    """What makes a file, and how often it has."""

    def __init__(self, content=CONTENT, seconds=0):
        self.content, self.seconds, self.times = content, seconds, 0

    def __call__(self, file):
        self.times += 1
        time.sleep(self.seconds)
        file.write(self.content)

    def asked(self, name="rows.xlsx", about="", method="GET", state=None, **headers):
        request = RequestFactory().generic(method, "/", **{f"HTTP_{name}": value for name, value in headers.items()})
        response = shared_file_response(request, name, state or file_state(), about, self)
        SENT.append(response)
        return response


def content(response):
    return b"".join(response) if response.streaming else response.content


def test_a_file_is_made_once_for_a_state_and_again_for_the_next(kept):
    making = Making()
    first = making.asked()
    assert (first.status_code, content(first), first["Content-Length"]) == (200, CONTENT, str(len(CONTENT)))
    assert (content(making.asked()), making.times) == (CONTENT, 1)
    OrganisationFactory()
    again = making.asked()
    assert (making.times, again["ETag"] != first["ETag"]) == (2, True)
    assert making.asked(about="other rows").status_code == 200
    assert making.times == 3


def test_midnight_in_london_is_another_state(kept, time_machine):
    time_machine.move_to(datetime(2032, 5, 6, 22, 59, tzinfo=UTC))
    before = file_state()
    time_machine.move_to(datetime(2032, 5, 6, 23, 1, tzinfo=UTC))
    assert file_state() != before


def test_twenty_simultaneous_requests_share_one_file(kept):
    making = Making(seconds=0.2)
    state, ready = file_state(), threading.Barrier(20)

    def ask(_):
        ready.wait()
        return content(making.asked(state=state))

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(ask, range(20))) == {CONTENT}
    assert making.times == 1


def test_parts_and_unchanged_files_are_answered_as_http_has_it(kept):
    making = Making()
    whole = making.asked()
    tag = whole["ETag"]
    assert {"Last-Modified", "Accept-Ranges"} <= {*whole.headers}
    unchanged = making.asked(IF_NONE_MATCH=tag)
    assert (unchanged.status_code, content(unchanged)) == (304, b"")
    part = making.asked(RANGE="bytes=10-14", IF_RANGE=tag)
    assert (part.status_code, content(part)) == (206, b"01234")
    assert part["Content-Range"] == f"bytes 10-14/{len(CONTENT)}"
    assert making.asked(RANGE="bytes=10-14", IF_RANGE='"another"').status_code == 200
    assert making.asked(RANGE="bytes=99999-").status_code == 416
    head = making.asked(method="HEAD")
    assert (head.status_code, content(head), head["Content-Length"]) == (200, b"", str(len(CONTENT)))


def test_the_head_of_a_file_makes_none(kept):
    making = Making()
    assert 'filename="rows.xlsx"' in making.asked(method="HEAD")["Content-Disposition"]
    assert making.times == 0


def test_text_is_compressed_once_for_those_who_take_it(kept):
    making = Making()
    packed = making.asked("rows.csv", ACCEPT_ENCODING="gzip, br")
    assert (packed["Content-Encoding"], gzip.decompress(content(packed))) == ("gzip", CONTENT)
    plain = making.asked("rows.csv")
    assert (plain.get("Content-Encoding"), content(plain), plain["Vary"]) == (None, CONTENT, "Accept-Encoding")
    assert making.times == 1


def test_the_folder_is_bounded_and_old_states_leave_it(kept, monkeypatch):
    making = Making()
    making.asked(about="first")
    OrganisationFactory()
    monkeypatch.setattr(shared_files, "SECONDS_KEPT", -1)
    monkeypatch.setattr(shared_files, "MAX_BYTES", 5 * len(CONTENT))
    for number in range(20):
        making.asked(about=number)
    sizes = [path.stat().st_size for path in kept.iterdir()]
    assert sum(sizes) <= 6 * len(CONTENT)
    assert {path.name[:16] for path in kept.glob("*.xlsx")} == {file_state()}
    assert (kept.stat().st_mode & 0o777) == 0o700


def test_a_file_that_cannot_be_made_leaves_nothing_behind(kept):
    with pytest.raises(OSError, match="full"):
        shared_file_response(RequestFactory().get("/"), "rows.csv", file_state(), "", refuse)
    assert [path.name for path in kept.iterdir()] == ["making.lock"]


def refuse(file):
    file.write(b"half")
    raise OSError("The disk is full.")


def test_what_a_transaction_has_not_committed_is_shared_with_nobody(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    assert connection.in_atomic_block
    making = Making()
    assert content(making.asked()) == content(making.asked()) == CONTENT
    assert making.times == 2
    assert not (tmp_path / "downloads").exists()


def test_a_later_day_does_not_bring_an_old_file_back(kept, time_machine):
    making = Making()
    time_machine.move_to(datetime(2032, 5, 6, 12, tzinfo=UTC), tick=False)
    making.asked()
    time_machine.shift(timedelta(days=1))
    making.asked()
    assert making.times == 2
