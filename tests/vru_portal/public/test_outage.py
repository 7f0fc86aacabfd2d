"""While the database cannot be used, every page says so and when to come back; it is no fault of the portal's own."""

import pytest
from django.contrib.auth import get_user_model
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import Client

from tests.support.factories import UnitFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture
def broken():
    """Let every statement fail from when it is called; return what to call."""
    stack = []

    def fail_with(error):
        def fail(execute, sql, params, many, context):
            raise error("password=secret: server closed the connection")

        wrapper = connection.execute_wrapper(fail)
        wrapper.__enter__()
        stack.append(wrapper)

    yield fail_with
    for wrapper in stack:
        wrapper.__exit__(None, None, None)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("address", ["/", "/initiatives/", "/declaration/", "/no-such-page/", "/sitemap.xml"])
def test_a_page_says_to_try_again_in_a_moment(client, broken, error, address):
    UnitFactory()
    broken(error)
    response = client.get(address)
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert response["Cache-Control"] == "no-store"
    assert "Try again in a moment" in response.text
    assert "secret" not in response.text
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_staff_whose_session_cannot_be_read_see_it_too(client, broken):
    UnitFactory()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    broken(OperationalError)
    assert client.get("/admin/").status_code == 503
    assert client.post("/admin/partners/sector/add/", {"name": "Rangers"}).status_code == 503


def test_what_is_wrong_with_the_portal_itself_is_still_a_500(client, broken):
    UnitFactory()
    broken(DataError)
    assert client.get("/").status_code == 500
