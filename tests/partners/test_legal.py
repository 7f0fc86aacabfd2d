import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.urls import reverse

from partners.models import LegalNotice
from tests.support.crawler import Elements, sitemap
from tests.support.factories import LevelFactory, UnitFactory, UserFactory
from tests.support.signing import NOTICE, invite, open_signing

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PASSWORD = "a long enough one"  # noqa: S105 - of nobody
PAGES = ("privacy", "accessibility", "cookies", "complaints")


@pytest.fixture(autouse=True)
def unit():
    LevelFactory()
    return UnitFactory()


def page(client, name):
    response = client.get(reverse(f"partners:{name}"))
    assert response.status_code == 200, name
    return Elements(response.text).text


def state(**fields):
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE | fields)


def test_what_is_not_stated_is_said_to_be_so_and_that_signing_is_closed_until_it_is(client):
    privacy = page(client, "privacy")
    assert privacy.count("Not stated") == 4  # the note above lists them as well
    assert "Signing is closed until we publish this information" in privacy
    for name in ("controller", "data protection contact", "lawful basis", "days kept", "complaints", "accessibility"):
        assert name in privacy
    assert "We have not published an accessibility statement yet" in page(client, "accessibility")
    assert "We have not published our complaints procedure yet" in page(client, "complaints")


def test_what_the_unit_states_is_on_its_page(client):
    state(data_protection_contact="data@example.org", retention_days=400)
    privacy = page(client, "privacy")
    assert "Signing is closed" not in privacy
    assert "Not stated" not in privacy
    for text in (NOTICE["controller"], "data@example.org", NOTICE["lawful_basis"], "400 days"):
        assert text in privacy
    assert "Information Commissioner" in privacy
    assert NOTICE["accessibility"] in page(client, "accessibility")
    assert "not published an accessibility statement" not in page(client, "accessibility")
    assert NOTICE["complaints"] in page(client, "complaints")


def test_each_text_about_how_long_data_is_kept_counts_from_signing_and_from_the_close_of_a_return(client):
    state()
    help_text = str(LegalNotice._meta.get_field("retention_days").help_text)
    help_page = (settings.BASE_DIR / "templates/admin/help/personal-data.md").read_text(encoding="utf-8")
    for said in (page(client, "privacy"), help_text, help_page):
        assert re.search(r"\b(day of|after) signing", said), said
        assert re.search(r"return (of figures, .* )?closes", said), said
        assert re.search(r"\b(onward grants|request closes)\b", said), said
    for heading in (
        "If you report figures for an initiative",
        "If you report the grants that your organisation has made",
    ):
        assert heading in page(client, "privacy")


def test_the_footer_of_every_page_and_the_site_map_lead_there(client):
    addresses = [reverse(f"partners:{name}") for name in PAGES]
    footer = Elements(client.get("/about/").text.partition("<footer")[2])
    assert set(addresses) <= footer.links("/about/")
    assert set(addresses) <= set(sitemap(client))


def test_security_txt_is_there_once_a_contact_is_stated(client):
    address = "/.well-known/security.txt"
    assert client.get(address).status_code == 404
    for contact, uri in (
        ("weakness@example.org", "mailto:weakness@example.org"),
        ("https://example.org/report", "https://example.org/report"),
    ):
        state(security_contact=contact)
        response = client.get(address)
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        fields = dict(line.split(": ", 1) for line in response.text.splitlines())
        assert fields.pop("Expires").endswith("T00:00:00Z")
        assert fields == {
            "Contact": uri,
            "Preferred-Languages": "en",
            "Canonical": f"{settings.PORTAL_URL}{address}",
        }


def test_security_txt_expires_within_a_year_on_whatever_day_it_is_read(client, time_machine):
    state(security_contact="weakness@example.org")
    time_machine.move_to("2032-02-29T23:59:59Z")
    assert "Expires: 2032-08-27T00:00:00Z" in client.get("/.well-known/security.txt").text


@pytest.mark.parametrize(
    "contact", ["0300 123 4567", "http://example.org/report", "https://example.org\r\nContact: x", "Ask at the desk"]
)
def test_a_contact_that_no_machine_reads_is_refused_and_served_nowhere(client, contact):
    with pytest.raises(ValidationError):
        LegalNotice(**NOTICE, security_contact=contact).full_clean()
    state(security_contact=contact)
    assert client.get("/.well-known/security.txt").status_code == 404


def test_staff_see_what_is_missing_and_what_stays_closed(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    add = reverse("admin:partners_legalnotice_add")
    assert "nobody can be invited, ask to sign, sign" in client.get(add).text
    client.post(add, {"controller": "The Office of Examples"})
    notice = LegalNotice.objects.get()
    change = reverse("admin:partners_legalnotice_change", args=[notice.pk])
    closed = Elements(client.get(change).text).text
    assert (
        "Not stated: data protection contact, lawful basis, days kept, complaints, accessibility statement." in closed
    )
    assert "controller, data protection" not in closed
    state()
    assert "Nothing is closed" in client.get(change).text


def test_there_is_one_notice_and_it_stays(client):
    state()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(reverse("admin:partners_legalnotice_add")).status_code == 403
    assert client.post(reverse("admin:partners_legalnotice_delete", args=[1]), {"post": "yes"}).status_code == 403
    assert LegalNotice.objects.count() == 1


@pytest.mark.parametrize("prefix", ["", "__Host-"], ids=["http", "https"])
def test_cookies_are_exactly_those_that_the_page_names(client, settings, prefix):
    """Walks where cookies are set: a reader's pages, a form, a mailed link, staff's sign-in, a change, and out."""
    settings.COOKIE_PREFIX, settings.SESSION_COOKIE_SECURE = prefix, bool(prefix)
    settings.CSRF_COOKIE_SECURE = bool(prefix)
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = f"{prefix}sessionid", f"{prefix}csrftoken"
    for address in ("/", "/about/", "/declaration/", "/partners/", "/nothing-here/", reverse("partners:cookies")):
        client.get(address)
    assert dict(client.cookies) == {}, "whoever only reads gets none"

    open_signing()
    seen = {}

    def walk(method, address, *data):
        getattr(client, method)(address, *data)
        seen.update({name: morsel for name, morsel in client.cookies.items() if morsel.value})

    walk("get", reverse("declarations:ask"))
    walk("get", reverse("declarations:open", args=[invite().secret]))
    walk("get", reverse("declarations:read"))
    for name in ("results:open", "funding:onward_open"):
        walk("get", reverse(name, args=["x" * 43]))
    walk("get", reverse("declarations:details"))
    get_user_model().objects.create_superuser("someone", password=PASSWORD)
    walk("get", reverse("admin:login"))
    walk("post", reverse("admin:login"), {"login": "someone", "password": PASSWORD})
    walk("post", reverse("admin:partners_sector_add"), {"name": "Paths", "slug": "paths"})
    walk("get", reverse("admin:partners_sector_changelist"))

    response = client.get(reverse("partners:cookies"))
    assert set(re.findall(r"<code>(.*?)</code>", response.text)) == set(seen)
    text = Elements(response.text).text
    ages = {name.removeprefix(prefix): morsel["max-age"] for name, morsel in seen.items()}
    assert (
        ages["signing"] == ages["return"] == ages["onward"] == ages["sessionid"] == ages["session_changes"] == ""
    )  # gone with the browser, as the page says
    assert f"after {ages['csrftoken'] // 604_800} weeks" in text
    assert "when they sign out or close the browser, and after 12 hours at the latest" in text
    assert all(name.startswith(prefix) for name in seen)
    for morsel in seen.values():  # what browsers ask of a name that begins with __Host-
        assert (morsel["path"], morsel["domain"], bool(morsel["secure"])) == ("/", "", bool(prefix))
    assert all(morsel["httponly"] for morsel in seen.values())
