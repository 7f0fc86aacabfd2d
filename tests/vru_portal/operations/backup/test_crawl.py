"""`manage.py crawl` opens every public page, and names those that cannot be opened."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from events.declarations.views import public
from tests.support.factories import make_everything
from vru_portal.operations.backup import crawl

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def portal():
    return make_everything(rows=2)


def test_it_follows_links_from_the_home_page_and_the_site_map(portal, settings):
    found = crawl.crawl()
    assert found.failed == {}
    assert len(found.opened) > 30
    for name in ("home", "declarations:register", "programmes:initiatives"):
        assert reverse(name) in found.opened
    assert any(address.endswith(".csv") for address in found.opened)
    assert not any("?" in address or address.startswith(("/admin", "/static")) for address in found.opened)


def test_a_page_that_fails_is_named(portal, monkeypatch):
    def fail(*arguments, **values):
        raise RuntimeError

    monkeypatch.setattr(public, "render", fail)
    with pytest.raises(CommandError, match=r"pages cannot be opened: .*/declaration/.* \(500\)"):
        call_command("crawl")


def test_the_command_says_how_many_there_are(portal, monkeypatch):
    monkeypatch.setattr(crawl, "MAX_PAGES", 2)
    out = StringIO()
    call_command("crawl", stdout=out)
    assert out.getvalue() == "The first 2 pages can be opened. The others were not tried.\n"
