"""Who acts in a demonstration: users who cannot sign in, bodies that do not exist, the publication that says so."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from django.contrib.auth import get_user_model

from funding.models import PublicationDuty
from partners.models import Organisation, Publication, Unit
from vru_portal.publishing import State

SAY = "Example: "  # how everything that is made up begins
LICENCE = {
    "licence_name": "Open Government Licence v3.0",
    "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
BODIES = ("Community trust", "Youth association", "Family charity", "Mentoring company", "Health partnership")


@dataclass(frozen=True)
class Cast:
    """Everybody and everything that made-up rows refer to."""

    author: Any
    approver: Any
    officer: Any
    publication: Publication
    bodies: list[Organisation]
    awarding_body: Organisation

    @classmethod
    def make(cls, day: date) -> Self:
        """Label the unit as an example, and record the cast as of this day."""
        unit = Unit.objects.get()
        unit.is_example = True
        unit.save()
        users = get_user_model().objects
        author, approver, officer = (
            users.create_user(f"example-{name}", is_active=False) for name in ("author", "approver", "finance-officer")
        )
        publication = Publication.objects.create(
            title="Example data of this demonstration",
            slug="example-data",
            published_on=day,
            note=f"{SAY}nothing that names this as its source is true.",
            state=State.PUBLISHED,
        )
        bodies = [
            Organisation.objects.create(
                name=f"{SAY}{name}",
                slug=f"example-{name.lower().replace(' ', '-')}",
                summary=f"{SAY}a body that does not exist.",
                source=publication,
                as_at=day,
                state=State.PUBLISHED,
            )
            for name in BODIES
        ]
        return cls(author, approver, officer, publication, bodies, awarding_body_of(unit, bodies[0]))


def awarding_body_of(unit: Unit, example: Organisation) -> Organisation:
    """Return the body that awards the unit's money, and put the unit's data under an open licence for the example."""
    duty = PublicationDuty.objects.select_related("awarding_body").first()
    if duty is None:
        body = unit.organisation if unit.organisation.is_public else example
        over = {"items_over": Decimal("500.00"), "contracts_over": Decimal("10000.00")}
        PublicationDuty.objects.create(name=f"{SAY}duty to publish", awarding_body=body, **over, **LICENCE)
        return body
    if not duty.licence_url:
        PublicationDuty.objects.update(**LICENCE)
    return duty.awarding_body if duty.awarding_body.is_public else example
