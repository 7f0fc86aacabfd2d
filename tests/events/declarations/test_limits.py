from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_smart_ratelimit.models import RateLimitCounter

from events.declarations.choices import SigningLinkPurpose
from events.declarations.models import Invitation, Mail, SigningRequest
from events.declarations.views import limits
from events.declarations.views.limits import FORMS, INVALID_LINKS, SIGNING_REQUESTS, WITHDRAWAL_LINKS
from tests.support.factories import LevelFactory, UnitFactory
from tests.support.signing import invite, new_link, open_signing, sign
from vru_portal.environment import parse_number
from vru_portal.operations import schedule as portal_schedule
from vru_portal.web.limits import TooMany, client_address, client_network, database_backend

CLIENT, PROXY, FORGED = "203.0.113.9", "10.0.0.1", "198.51.100.1"


def asked(forwarded=None, connected=PROXY):
    """Return a request as the server hands it over."""
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=connected, **headers)


# Whose address it is --------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        # none is trusted: whatever the header says, it is who connected
        (0, None, PROXY),
        (0, CLIENT, PROXY),
        (0, f"{FORGED}, {CLIENT}", PROXY),
        # the proxy has added its client; what the client sent is before it
        (1, CLIENT, CLIENT),
        (1, f"{FORGED}, {CLIENT}", CLIENT),
        (1, f"{FORGED},{FORGED},{CLIENT}", CLIENT),
        (1, f"garbage, {CLIENT}", CLIENT),
        (1, None, PROXY),
        (1, "", PROXY),
        # two
        (2, f"{CLIENT}, 10.0.0.2", CLIENT),
        (2, f"{FORGED}, {CLIENT}, 10.0.0.2", CLIENT),
        (2, f"{FORGED}, {FORGED}, {CLIENT}, 10.0.0.2", CLIENT),
        (2, FORGED, PROXY),  # it has come past one of them: what it says was not written by a proxy
        # as proxies write addresses
        (1, f"{CLIENT}:51234", CLIENT),
        (1, "[2001:db8::7]:51234", "2001:db8::7"),
        (1, "2001:db8::7", "2001:db8::7"),
        (1, "2001:DB8:0::7", "2001:db8::7"),
        (1, "fe80::7%eth0", "fe80::7"),
        (1, f"::ffff:{CLIENT}", CLIENT),
        # garbage where an address belongs
        (1, "unknown", PROXY),
        (1, f"{CLIENT}, ", PROXY),
        (1, "999.1.1.1", PROXY),
        (1, "\x00' OR 1=1 --", PROXY),
        (1, "1.1.1.1" * 5000, PROXY),
    ],
)
def test_the_clients_address_is_what_the_outermost_trusted_proxy_saw(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXIES = proxies
    assert str(client_address(asked(forwarded))) == expected


@pytest.mark.once
@pytest.mark.parametrize("value", ["-1", "10", "one", "1.5", " ", "²", "10.0.0.1"])
def test_what_is_no_number_of_proxies_stops_the_start(value):
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must be a number from 0 to 9"):
        parse_number("TRUSTED_PROXIES", value, least=0, most=9)


@pytest.mark.once
def test_a_connection_without_an_address_is_nobodys():
    assert client_address(asked(connected="")) is None


@pytest.mark.once
def test_an_ipv6_network_is_one_client(settings):
    settings.TRUSTED_PROXIES = 1
    assert client_network(asked("2001:db8::7")) == client_network(asked("2001:db8::ffff:8")) == "2001:db8::/64"
    assert client_network(asked("2001:db8:0:1::7")) == "2001:db8:0:1::/64"
    assert client_network(asked(CLIENT)) == CLIENT


# Counting -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_limit_lets_through_as_many_as_it_says_and_says_when_it_ends(time_machine):
    time_machine.move_to("2031-05-06T10:45:00Z", tick=False)
    for _ in range(SIGNING_REQUESTS.most):
        SIGNING_REQUESTS.count("somebody")
    with pytest.raises(TooMany) as refused:
        SIGNING_REQUESTS.count("somebody")
    assert (refused.value.seconds, refused.value.minutes) == (900, 15)
    SIGNING_REQUESTS.count("somebody else")
    INVALID_LINKS.count("somebody")
    time_machine.move_to("2031-05-06T11:00:00Z", tick=False)
    SIGNING_REQUESTS.count("somebody")


@pytest.mark.django_db
def test_refusing_writes_nothing(django_assert_num_queries):
    for _ in range(SIGNING_REQUESTS.most):
        SIGNING_REQUESTS.count("somebody")
    with django_assert_num_queries(1) as queries, pytest.raises(TooMany):
        SIGNING_REQUESTS.count("somebody")
    assert queries[0]["sql"].startswith("SELECT")


@pytest.mark.django_db
def test_counts_hold_no_address_and_no_link_and_go_when_their_time_is_over(time_machine):
    time_machine.move_to("2031-05-06T10:45:00Z", tick=False)
    SIGNING_REQUESTS.count(CLIENT)
    FORMS.count("a-secret-link")
    kept = repr(list(RateLimitCounter.objects.values()))
    assert CLIENT not in kept
    assert "a-secret-link" not in kept
    assert RateLimitCounter.objects.count() == 2
    list(portal_schedule.run_all())
    assert RateLimitCounter.objects.count() == 2
    time_machine.move_to("2031-05-06T11:00:01Z", tick=False)
    assert "2 expired rate-limit counts deleted" in list(portal_schedule.run_all())
    assert RateLimitCounter.objects.count() == 0


@pytest.mark.django_db
def test_a_counter_that_fails_lets_everybody_through(monkeypatch):
    def fail(*arguments):
        raise DatabaseError("locked")

    monkeypatch.setattr(database_backend(), "_get_count_fixed_window", fail)
    monkeypatch.setattr(database_backend(), "_incr_fixed_window", fail)
    for _ in range(SIGNING_REQUESTS.most + 1):
        SIGNING_REQUESTS.count("somebody")


# On the journey -------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(db, monkeypatch):
    """Signing is open, and limits are small."""
    UnitFactory()
    LevelFactory()
    for name in ("SIGNING_REQUESTS", "INVALID_LINKS", "FORMS", "WITHDRAWAL_LINKS"):
        limit = getattr(limits, name)
        monkeypatch.setattr(limits, name, replace(limit, most=3))
    return open_signing()


def follow(client, secret, **extra):
    """Open a mailed link, and return where it leads."""
    client.get(reverse("declarations:open", args=[secret]), **extra)
    return client.get(reverse("declarations:read"), **extra)


def ask(client, number, **extra):
    answers = {"name": f"Body {number}", "contact_name": "Ada", "email": f"ada@body{number}.example", "message": ""}
    return client.post(reverse("declarations:ask"), answers, **extra)


def test_asking_is_limited_by_address_with_a_page_that_helps(client, opened):
    assert [ask(client, n).status_code for n in range(3)] == [303] * 3
    refused = ask(client, 4)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["Cache-Control"] == "no-store"
    assert "There were too many attempts" in refused.text
    assert reverse("partners:contact") in refused.text
    assert SigningRequest.objects.count() == 3
    assert ask(client, 5, REMOTE_ADDR=CLIENT).status_code == 303


def test_reading_the_form_and_a_form_with_mistakes_count_for_nothing(client, opened):
    for _ in range(4):
        assert client.get(reverse("declarations:ask")).status_code == 200
        assert client.post(reverse("declarations:ask"), {"name": ""}).status_code == 200
    assert RateLimitCounter.objects.count() == 0


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_a_forged_header_changes_neither_the_limit_nor_what_is_kept(client, opened, settings, proxies):
    settings.TRUSTED_PROXIES = proxies
    added = {0: "", 1: f", {CLIENT}", 2: f", {CLIENT}, 10.0.0.2"}[proxies]
    found = []
    for number in range(4):
        forged = f"198.51.100.{number}{added}"
        found.append(ask(client, number, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=forged).status_code)
    assert found == [303, 303, 303, 429]
    assert "198.51.100" not in repr(list(SigningRequest.objects.values()) + list(RateLimitCounter.objects.values()))


def test_an_invited_signatory_is_never_locked_out_by_others_at_their_address(client, client_of_another, opened):
    invited = invite()
    for number in range(6):
        follow(client_of_another(), f"wrong-{number}")
        ask(client_of_another(), number)
    assert follow(client_of_another(), "wrong").status_code == 429
    assert ask(client_of_another(), 9).status_code == 429
    noisy = invite("Another body", "post@another.example")
    for _ in range(5):
        answer_details(client_of_another(), noisy.secret)
    assert answer_details(client_of_another(), noisy.secret).status_code == 429

    assert follow(client, invited.secret).status_code == 200
    assert client.get(reverse("declarations:details")).status_code == 200
    assert answer_details(client, invited.secret).status_code != 429
    sign(invited)
    secret = new_link(invited.invitation, SigningLinkPurpose.RECEIPT)
    client.get(reverse("declarations:open", args=[secret]))
    assert client.get(reverse("declarations:receipt")).status_code == 200


@pytest.fixture
def client_of_another():
    """Somebody else at the same address: another browser each time."""
    return Client


def answer_details(client, secret):
    """Send a form by a link: one with mistakes, which is counted like any other."""
    follow(client, secret)
    page = client.get(reverse("declarations:details"))
    mark = page.context["invitation_mark"] if page.context and "invitation_mark" in page.context else ""
    return client.post(reverse("declarations:details"), {"invitation_mark": mark, "name": ""})


def test_links_that_open_nothing_are_limited_alike_whatever_is_wrong_with_them(opened, client_of_another):
    spent, late = invite("Spent"), invite("Late", "late@body.example")
    sign(spent)
    late.invitation.tokens.update(expires_at="2001-01-01T00:00:00Z")
    wrong = ["unknown", spent.secret, late.secret]
    answers = [follow(client_of_another(), secret) for secret in wrong]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert {follow(client_of_another(), secret).status_code for secret in wrong} == {429}


def test_a_link_that_works_writes_nothing_when_it_is_read(client, opened):

    invited = invite()
    with CaptureQueriesContext(
        connection,
    ) as opening:
        client.get(reverse("declarations:open", args=[invited.secret]))
        client.head(reverse("declarations:open", args=[invited.secret]))
    assert len(opening) == 0
    with CaptureQueriesContext(connection) as reading:
        for name in ("read", "details"):
            assert client.get(reverse(f"declarations:{name}")).status_code == 200
            assert client.head(reverse(f"declarations:{name}")).status_code == 200
    assert {query["sql"].split()[0] for query in reading} == {"SELECT"}
    assert Invitation.objects.get().state == "queued"
    assert RateLimitCounter.objects.count() == 0


def test_asking_for_the_link_that_withdraws_is_limited_by_the_receipt(client, opened):
    entry = sign(invite())
    secret = new_link(Invitation.objects.get(entry=entry), SigningLinkPurpose.RECEIPT)
    client.get(reverse("declarations:open", args=[secret]))
    mark = client.get(reverse("declarations:receipt")).context["invitation_mark"]
    answers = {"invitation_mark": mark, "form": "withdraw", "confirmed": "on"}
    found = [client.post(reverse("declarations:receipt"), answers).status_code for _ in range(4)]
    assert found == [303, 303, 303, 429]
    assert Mail.objects.filter(kind="withdraw").count() == 1  # the rule's own: one mail in a quarter of an hour
    assert WITHDRAWAL_LINKS.most > 3  # this test made it smaller


def test_signing_itself_is_counted_nowhere(client, opened):
    sign(invite())
    assert RateLimitCounter.objects.count() == 0
