"""What is refused before any view: methods that nothing answers, and other spellings of the portal's own host."""

import pytest
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.test import RequestFactory

from tests.support.addresses import url_patterns
from vru_portal.environment import parse_portal_url
from vru_portal.middleware import RequireOwnAddress


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PATCH", "DELETE", "BREW", "get", "Post", "X" * 10_000])
def test_a_method_that_nothing_answers_is_refused_at_every_address(client, method):
    addresses = {f"/{address}" for address, _ in url_patterns()} | {
        "/healthz",
        "/readyz",
        "/static/x",
        "/nothing-here/",
    }
    for address in addresses:
        answer = client.generic(method, address)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST"), address


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_the_others_are_answered(client, method):
    assert client.generic(method, "/healthz").status_code == 200


@pytest.fixture
def stands_at(settings):
    """A portal at this address, of which one asks what host its views see, or how it refuses."""

    def stand(portal_url, listening_port=8000):
        address = parse_portal_url(portal_url)
        settings.ADDRESS, settings.PORTAL_URL = address, address.origin
        settings.ALLOWED_HOSTS, settings.HOST_HEADERS = address.allowed_hosts, address.host_headers(listening_port)

        def ask(host):
            request = RequestFactory().get("/", HTTP_HOST=host)
            try:
                return RequireOwnAddress(lambda request: HttpResponse(request.get_host()))(request).text.strip()
            except DisallowedHost:
                return "another host"

        return ask

    return stand


ELSEWHERE = ["moor.example.org@evil.example.org", "evil.example.org", "moor.example.org,moor.example.org", "[::1]", ""]


@pytest.mark.parametrize(
    ("portal_url", "own", "refused"),
    [
        (
            "https://moor.example.org",
            ["moor.example.org", "MOOR.example.ORG", "moor.example.org:443"],
            [f"moor.example.org{end}" for end in (".", ":8443", ":80", ":8000", ".:443", ":443.", ":", ":0443")],
        ),
        (
            "https://moor.example.org:8443",
            ["moor.example.org", "moor.example.org:8443", "Moor.Example.Org:8443"],
            ["moor.example.org:443", "moor.example.org:8000", "moor.example.org."],
        ),
        (
            "http://[2001:db8::1]",
            ["[2001:db8::1]", "[2001:DB8::1]:80"],
            ["[2001:db8::1]:8000", "[2001:db8::1]:"],
        ),
    ],
)
def test_views_see_the_host_of_the_portals_address_and_no_other_spelling(stands_at, portal_url, own, refused):
    ask, origin = stands_at(portal_url), parse_portal_url(portal_url).origin
    assert {ask(host) for host in own} == {origin.partition("://")[2]}
    for host in refused:
        # a port that is empty or followed by a dot is not a host at all, to Django
        assert ask(host) in (f"This portal is at {origin}/. Open it there.", "another host"), host
    for host in ELSEWHERE:
        assert ask(host) == "another host", host


def test_on_ones_own_machine_each_name_of_it_is_kept_and_another_port_is_not(stands_at):
    ask = stands_at("http://localhost:8124", 8123)
    for host in ("localhost", "localhost:8124", "127.0.0.1:8123", "[::1]:8124"):
        assert ask(host) == host
    assert ask("LOCALHOST:8124") == "localhost:8124"
    for host in ("localhost:9000", "localhost.", "127.0.0.1:80"):
        assert ask(host) == "This portal is at http://localhost:8124/. Open it there."


@pytest.mark.parametrize(
    ("origin", "accepted"), [("https://moor.example.org", True), ("https://moor.example.org:8443", False)]
)
def test_a_form_is_accepted_from_the_portals_own_origin_alone(stands_at, settings, origin, accepted):
    stands_at("https://moor.example.org")
    settings.CSRF_TRUSTED_ORIGINS = [settings.PORTAL_URL]
    token = "t" * 32
    request = RequestFactory().post(
        "/", {"csrfmiddlewaretoken": token}, secure=True, HTTP_HOST="MOOR.example.org:443", HTTP_ORIGIN=origin
    )
    request.COOKIES[settings.CSRF_COOKIE_NAME] = token
    check = CsrfViewMiddleware(lambda _: HttpResponse())
    RequireOwnAddress(lambda _: HttpResponse())(request)
    check.process_request(request)
    assert (check.process_view(request, lambda _: HttpResponse(), (), {}) is None) is accepted
