"""The people of a demonstration: users who cannot sign in, organisations that do not exist, and their source."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Self

from django.contrib.auth import get_user_model
from django.utils import timezone

from funding.models import PublicationDuty
from funding.validators import PUBLIC_ID_ALPHABET, PUBLIC_ID_LENGTH
from partners.models import Organisation, Person, Post, Publication, Unit
from vru_portal.publishing.state import State

EXAMPLE = "Example: "  # begins everything that is made up, so that nobody takes it for real
LICENCE = {
    "licence_name": "Open Government Licence v3.0",
    "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
ORGANISATION_NAMES = (
    "Community trust",
    "Youth association",
    "Family charity",
    "Mentoring company",
    "Health partnership",
)


@dataclass(frozen=True)
class DemoPeople:
    """Who and what made-up rows refer to: who recorded them, where they come from, who the money goes to."""

    author: Any
    approver: Any
    officer: Any
    publication: Publication
    organisations: list[Organisation]
    awarding_organisation: Organisation
    chair: Post  # who decides about money

    @classmethod
    def create(cls, as_at: date) -> Self:
        """Label the unit as an example and create its people, as at this day."""
        unit = Unit.objects.get()
        unit.is_example = unit.publishes_gaps = True
        unit.save()
        users = get_user_model().objects
        author, approver, officer = (
            users.create_user(f"example-{name}", is_active=False) for name in ("author", "approver", "finance-officer")
        )
        publication = Publication.objects.create(
            title="Example data of this demonstration",
            slug="example-data",
            published_on=as_at,
            note=f"{EXAMPLE}nothing that names this as its source is true.",
            state=State.PUBLISHED,
        )
        organisations = [
            Organisation.objects.create(
                name=f"{EXAMPLE}{name}",
                slug=f"example-{name.lower().replace(' ', '-')}",
                summary=f"{EXAMPLE}an organisation that does not exist.",
                source=publication,
                as_at=as_at,
                state=State.PUBLISHED,
            )
            for name in ORGANISATION_NAMES
        ]
        awarding = awarding_organisation(unit, organisations[0])
        origin = {"source": publication, "as_at": as_at}
        person = Person.objects.create(
            name=f"{EXAMPLE}Alex Sample", slug="example-chair", family_name="Sample", state=State.PUBLISHED, **origin
        )
        chair = Post.objects.create(person=person, title="Chair", organisation=awarding, **origin)
        return cls(author, approver, officer, publication, organisations, awarding, chair)


def awarding_organisation(unit: Unit, example: Organisation) -> Organisation:
    """Find who awards the unit's money; where the unit has not stated its duty to publish or its licence, state one."""
    duty = PublicationDuty.objects.select_related("awarding_body").first()
    if duty is None:
        awarding = unit.organisation if unit.organisation.is_public else example
        thresholds = {"items_over": Decimal("500.00"), "contracts_over": Decimal("10000.00")}
        PublicationDuty.objects.create(
            name=f"{EXAMPLE}duty to publish", awarding_body=awarding, **thresholds, **LICENCE
        )
        return awarding
    if not duty.licence_url:
        PublicationDuty.objects.update(**LICENCE)
    return duty.awarding_body if duty.awarding_body.is_public else example


def noon_of(day: date) -> datetime:
    """When an example row of this day was recorded."""
    return timezone.make_aware(datetime.combine(day, time(12)))


def random_public_id(dice: random.Random) -> str:
    return "".join(dice.choice(PUBLIC_ID_ALPHABET) for _ in range(PUBLIC_ID_LENGTH))
