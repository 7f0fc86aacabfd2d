"""Reporting onward grants through a link: each grant is saved as it is typed, then all of them are sent together."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from funding.models import OnwardGrant, OnwardRequest
from funding.regranting.files import FIELDS
from funding.regranting.rules.answers import read_grant, reference_of, typed_rows
from funding.regranting.rules.recording import content_of
from funding.regranting.rules.requests import ONWARD_REQUESTS
from vru_portal.links.answering import kept, require_unchanged

MAX_GRANTS = 500  # of one request
MAX_READ = 2_500  # of one file, most of which may be in the list or published already
TOO_MANY = (
    f"A list can have {MAX_GRANTS} grants, and this would make more. Nothing was added. Send us the file by email, or "
    "report the rest after we have read these."
)
Row = dict[str, str]

pass_on, take_back = ONWARD_REQUESTS.pass_on, ONWARD_REQUESTS.take_back


def new_key() -> str:
    """The key of a grant in a list. A form has it before it is sent, so that a second click adds no second grant."""
    return secrets.token_hex(4)


@transaction.atomic
def save_grant(*, secret: str, key: str, typed: Mapping[str, str], before: Mapping[str, str]) -> OnwardRequest:
    """Keep what was typed of a grant, whether or not it can be sent like this. An empty form adds none.

    ``before`` is what the form showed when it was opened. Raises ChangedMeanwhile if somebody else has changed or
    removed this grant since, and ValidationError if the list is full.
    """
    request: OnwardRequest = ONWARD_REQUESTS.locked_open_token(secret).draft
    rows = typed_rows(request)
    row = next((one for one in rows if one["key"] == key), None)
    cleaned = kept({name: typed.get(name, "") for name in FIELDS})
    require_unchanged(saved=row or {}, before=before, typed=cleaned)
    if row is None and not any(map(str.strip, cleaned.values())):
        return request
    if row is None:
        require_room(rows, 1)
        rows.append({"key": key, **cleaned})
    else:
        row |= cleaned
    return save_rows(request, rows)


@transaction.atomic
def remove_grant(*, secret: str, key: str, before: Mapping[str, str]) -> OnwardRequest:
    """Take a grant out of the list. Raises ChangedMeanwhile if somebody else has changed it since it was shown."""
    request: OnwardRequest = ONWARD_REQUESTS.locked_open_token(secret).draft
    rows = typed_rows(request)
    row = next((one for one in rows if one["key"] == key), None)
    if row is None:  # a second click, or somebody else was quicker
        return request
    require_unchanged(saved=row, before=before, typed=dict.fromkeys(FIELDS, ""))
    return save_rows(request, [one for one in rows if one["key"] != key])


@dataclass(frozen=True)
class Added:
    """What became of the rows of a file."""

    added: int = 0
    replaced: int = 0
    repeated: int = 0  # in the list already, or published, with the same values


@transaction.atomic
def add_rows(*, secret: str, rows: Sequence[Row], replace: bool) -> Added:
    """Add the grants of a file to the list, also those that have to be corrected. Raises ValidationError.

    What is in the list already, or is published, is left out. A grant under an identifier that is in the list
    ``replace``s that one, or else is added beside it: the list then says that one has to be removed.
    """
    request: OnwardRequest = ONWARD_REQUESTS.locked_open_token(secret).draft
    if len(rows) > MAX_READ:
        raise ValidationError(TOO_MANY)
    saved = typed_rows(request)
    by_reference = {one["reference"].strip().casefold(): one for one in saved if one["reference"].strip()}
    texts = {texts_of(one) for one in saved}
    published = published_values(request)
    added = replaced = repeated = 0
    for row in rows:
        cleaned = kept({name: row.get(name, "") for name in FIELDS})
        grant, errors = read_grant(request.allocation, cleaned)
        earlier = by_reference.get(cleaned["reference"].strip().casefold())
        if texts_of(cleaned) in texts or (not errors and values_of(grant) in published):
            repeated += 1
            continue
        if earlier and replace:
            earlier |= cleaned
            replaced += 1
        else:
            saved.append({"key": new_key(), **cleaned})
            added += 1
        texts.add(texts_of(cleaned))
    require_room(saved, 0)
    save_rows(request, saved)
    return Added(added, replaced, repeated)


def texts_of(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in FIELDS)


def values_of(grant: OnwardGrant) -> tuple[object, ...]:
    """What makes two reports of a grant the same one."""
    return reference_of(grant), *content_of(grant)


def published_values(request: OnwardRequest) -> set[tuple[object, ...]]:
    """The values of the grants that are published. One reported without a reference was given one when recorded."""
    grants = OnwardGrant.objects.standing().filter(allocation=request.allocation)
    return {values for grant in grants for values in (values_of(grant), ("", *content_of(grant)))}


def require_room(rows: Sequence[Row], more: int) -> None:
    if len(rows) + more > MAX_GRANTS:
        raise ValidationError(TOO_MANY)


def save_rows(request: OnwardRequest, rows: Sequence[Row]) -> OnwardRequest:
    request.answers = {"grants": [*rows]}
    ONWARD_REQUESTS.save_answers(request)
    return request


def submit(*, secret: str, name: str, seen: str = "") -> OnwardRequest:
    """Send the list to the unit, by the rule for all requests (`Requests.submit`)."""
    request: OnwardRequest = ONWARD_REQUESTS.submit(secret=secret, name=name, seen=seen, reported_at=timezone.now())
    return request
