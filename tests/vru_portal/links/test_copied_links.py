"""Links that were copied out of an email, with what came along behind them."""

import pytest
from django.core import signing

from events.declarations.views.signing_session import SESSION as SIGNING
from funding.views.onward import PAGES as ONWARD
from programmes.results.views.session import PAGES as RETURNS
from tests.support.factories import UnitFactory
from vru_portal.links.secrets import new_secret

TAILS = [
    *(">", ")", "%20", "&amp;", ".", ",", ";", "%3E/", "/%3E", "/&amp;", "%E2%80%8B", "/%22).", ">.", "/)", "%0A", "*"),
    *("%C2%A0", "%E2%80%9D", "]", "/]", "%3Cbr%3E", "&amp;utm_source=mail", "?utm_source=mail&amp;x=y"),
]
KINDS = {
    "/declaration/sign/": SIGNING,
    "/results/return/": RETURNS.session,
    "/onward-grants/report/": ONWARD.session,
}


@pytest.mark.django_db
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("prefix", KINDS)
def test_a_link_of_every_kind_works_with_what_mail_programs_copy_behind_it(client, prefix, tail):
    UnitFactory()
    secret, session = new_secret(), KINDS[prefix]
    plain = client.get(f"{prefix}{secret}/")
    copied = client.get(f"{prefix}{secret}{tail}")
    if copied.status_code == 301:  # to the same address with a slash behind it
        copied = client.get(copied["Location"])
    assert (copied.status_code, copied["Location"]) == (303, plain["Location"])
    assert signing.loads(copied.cookies[session.cookie].value, salt=session.salt)["secret"] == secret
