"""Requests for onward grants as emailed links (`vru_portal.links.requests`): what only regranting knows of them."""

from typing import Any

from django.db.models import QuerySet

from funding.models import OnwardRequest, OnwardToken
from funding.regranting.rules.answers import check_entries
from funding.regranting.tasks import deliver_onward_mail
from vru_portal.links.querysets import RequestQuerySet
from vru_portal.links.requests import Requests

RELATED = ("recipient", "initiative", "heading", "reversed_by")


def drafts() -> RequestQuerySet[Any]:
    return OnwardRequest.objects.select_related(*(f"allocation__{name}" for name in RELATED))


def tokens() -> QuerySet[Any]:
    return OnwardToken.objects.select_related(*(f"draft__allocation__{name}" for name in RELATED))


ONWARD_REQUESTS = Requests(
    drafts=drafts,
    tokens=tokens,
    deliver=deliver_onward_mail,
    check_answers=check_entries,
)
