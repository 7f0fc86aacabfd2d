"""The lists of the admin are in one order on the start page, beside each list, and on the page of an app."""

import re

import pytest

from tests.support.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.parametrize("address", ["/admin/", "/admin/programmes/initiative/", "/admin/programmes/"])
def test_what_staff_use_every_day_comes_before_what_begins_with_an_a(client, address):
    client.force_login(UserFactory(is_superuser=True))
    page = client.get(address).content.decode()
    lists = [*dict.fromkeys(re.findall(r'href="/admin/(\w+/\w+)/"', page))]
    wanted = ["programmes/story", "programmes/initiative", "programmes/area"]
    if address != "/admin/programmes/":
        wanted += ["partners/person", "funding/payment", "funding/allocation", "declarations/invitation", "auth/user"]
    assert [name for name in lists if name in wanted] == wanted
