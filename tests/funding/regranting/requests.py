"""What tests of requests for onward grants begin with: a grant for regranting, a person who was asked, and a link."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from funding.models import Allocation, OnwardGrant, OnwardRequest
from funding.regranting.rules import approving, asking, reporting
from partners.models import LegalNotice
from tests.support.factories import RegrantingFactory, UserFactory
from tests.support.signing import NOTICE
from vru_portal.links.answering import issue_secret
from vru_portal.links.choices import LinkPurpose

PLACE = "/onward-grants/report/"
SEND = {"who": "me", "name": "Kim Grants"}


@dataclass(frozen=True)
class Asked:
    """A request for onward grants, and the secret of its link."""

    request: OnwardRequest
    secret: str

    @property
    def row(self) -> OnwardRequest:
        return OnwardRequest.objects.get(pk=self.request.pk)

    @property
    def grants(self) -> list[dict[str, str]]:
        return list(self.row.answers.get("grants", []))


def ask(allocation: Allocation | None = None, email: str = "kim@recipient.example") -> Asked:
    """Ask the recipient of a grant of £100, and mint a link as the email would."""
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
    allocation = allocation or RegrantingFactory().allocation
    request = asking.ask(by=UserFactory(), allocation=allocation, email=email, contact_name="Kim")
    return Asked(request, new_link(request))


def new_link(request: OnwardRequest, purpose: LinkPurpose = LinkPurpose.FILL_IN, to: str = "") -> str:
    return issue_secret(draft=request, purpose=purpose, to=to)


def typed(**texts: str) -> dict[str, str]:
    """What somebody types into the form of a grant."""
    return {"recipient": "Fen club", "amount": "£60.50", "awarded_on": "20 May 2031", "title": "Boots"} | texts


def enter(asked: Asked, key: str = "aaaa", **texts: str) -> None:
    """Add a grant to the list."""
    reporting.save_grant(secret=asked.secret, key=key, typed=typed(**texts), before={})


def send(asked: Asked) -> None:
    reporting.submit(secret=asked.secret, name="Kim Grants")


def approve(asked: Asked) -> list[OnwardGrant]:
    return approving.approve(by=UserFactory(), request=asked.row)


def sums() -> list[Decimal]:
    return list(OnwardGrant.objects.order_by("pk").values_list("amount", flat=True))


# Pages ----------------------------------------------------------------------------------------------------------------


def opened(client: Any, secret: str) -> Any:
    """Follow the link of an email."""
    response = client.get(f"{PLACE}{secret}/")
    assert (response.status_code, response["Location"]) == (303, PLACE)
    return client.get(PLACE)


def secret_of(body: str) -> str:
    found = re.search(rf"{PLACE}([-\w]{{43}})/", body)
    assert found
    return found[1]


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def fill_in(client: Any, address: str, texts: dict[str, Any]) -> Any:
    """Fill in the form of a page and send it."""
    page = client.get(f"{PLACE}{address}")
    assert page.status_code == 200, address
    return client.post(f"{PLACE}{address}", hidden(page.content.decode()) | texts)
