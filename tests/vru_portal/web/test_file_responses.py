"""Files as responses: their media types, the names under which they are saved, and what a HEAD request costs."""

import io

import pytest
from django.test import RequestFactory

from vru_portal.web.file_responses import MEDIA_TYPES, file_response, opened_file_response, streamed_file_response


@pytest.mark.parametrize("ending", MEDIA_TYPES)
def test_a_file_is_saved_under_its_name_with_its_media_type(ending):
    response = file_response(b"content", f"report.{ending}")
    assert response.headers["Content-Type"] == MEDIA_TYPES[ending]
    assert response.headers["Content-Disposition"] == f'attachment; filename="report.{ending}"'
    assert opened_file_response(io.BytesIO(b""), f"report.{ending}").headers["Content-Type"] == MEDIA_TYPES[ending]


def test_a_file_of_unknown_type_is_never_taken_for_a_page():
    assert file_response(b"<html>", "page.html", inline=True).headers["Content-Type"] == "application/octet-stream"


def test_a_head_request_does_not_begin_to_write_a_streamed_file():
    def parts():
        raise AssertionError("nobody asked for the content")
        yield ""

    response = streamed_file_response(RequestFactory().head("/"), parts(), "list.csv")
    assert (response.headers["Content-Type"], response.getvalue()) == (MEDIA_TYPES["csv"], b"")
