"""What tests of returns begin with: a unit that counts something, somebody who was asked, and a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from partners.models import LegalNotice
from programmes.results.models import ApprovedReturn, BreakdownGroup, Measure, Return, ReturnDraft
from programmes.results.rules import approving, asking, reporting
from programmes.results.rules.answers import group_name, total_name
from tests.support.factories import (
    BreakdownFactory,
    GroupFactory,
    InitiativeFactory,
    MeasureFactory,
    OrganisationFactory,
    UserFactory,
)
from tests.support.signing import NOTICE
from vru_portal.links.answering import issue_secret
from vru_portal.links.choices import LinkPurpose

QUARTER = date(2031, 4, 1)
AFTERWARDS = "2031-07-10 12:00+01:00"  # the quarter has ended, and its figures are not due yet


@dataclass(frozen=True)
class Asked:
    """A return that an organisation was asked for, and the secret of its link."""

    row: Return
    measure: Measure
    groups: Sequence[BreakdownGroup]
    secret: str

    @property
    def draft(self) -> ReturnDraft:
        return ReturnDraft.objects.select_related("return_of_figures__initiative__level").get(
            return_of_figures=self.row
        )

    def typed(self, total: object = "20", *parts: object, **others: str) -> dict[str, str]:
        """What somebody types: a total, the groups in their order, and anything else."""
        groups = {group_name(self.measure, g): str(n) for g, n in zip(self.groups, parts, strict=False)}
        return {total_name(self.measure): str(total), **groups, **others}


def count_people(*groups: str) -> tuple[Measure, list[BreakdownGroup]]:
    """Make the unit state its legal notice and count people, by age if there are groups."""
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
    measure = MeasureFactory(name="Walkers", slug="walkers")
    if not groups:
        return measure, []
    breakdown = BreakdownFactory(name="Age", slug="age")
    measure.breakdowns.add(breakdown)
    return measure, [GroupFactory(breakdown=breakdown, name=name) for name in groups]


def ask(
    measure: Measure,
    groups: Sequence[BreakdownGroup] = (),
    *,
    quarter: date = QUARTER,
    **fields: Any,
) -> Asked:
    """Ask for figures, and mint a link as the email would."""
    made = {"initiative": fields.pop("initiative", None) or InitiativeFactory()}
    made["organisation"] = fields.pop("organisation", None) or OrganisationFactory()
    row = asking.ask(by=None, row=Return(**made, quarter=quarter, **fields), email="robin@reporter.example")
    return Asked(row, measure, groups, new_link(row))


def new_link(row: Return, purpose: LinkPurpose = LinkPurpose.FILL_IN) -> str:
    draft = ReturnDraft.objects.select_related("return_of_figures").get(return_of_figures=row)
    return issue_secret(draft=draft, purpose=purpose, to=draft.confirm_email)


def report(asked: Asked, *counts: object, **others: str) -> None:
    """Enter figures and send them."""
    typed = asked.typed(*counts, **others)
    before = {name: str(asked.draft.answers.get(name, "")) for name in typed}
    reporting.save_answers(secret=asked.secret, typed=typed, before=before)
    reporting.submit(secret=asked.secret, name="Robin Reporter")


def approve(asked: Asked, correction: str = "") -> ApprovedReturn:
    return approving.approve(by=UserFactory(), row=Return.objects.get(pk=asked.row.pk), correction=correction)


def publish(asked: Asked, *counts: object, **others: str) -> ApprovedReturn:
    """Enter figures, send them, and approve them."""
    report(asked, *counts, **others)
    return approve(asked)
