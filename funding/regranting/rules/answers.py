"""What was typed of onward grants, read into grants that could be recorded. `rules.recording` decides in the end."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Field
from django.db.models.functions import Lower

from funding.models import Allocation, OnwardGrant, OnwardRequest
from funding.regranting.files import FIELDS
from funding.regranting.rules.recording import content_of, is_made_up, possible_contents
from vru_portal.ledger.money import format_pounds, parse_pounds
from vru_portal.links.answering import TOO_LONG, is_too_long
from vru_portal.text.cleaning import truncate
from vru_portal.text.dates import format_date
from vru_portal.text.typed_dates import parse_date

Errors = dict[str, list[str]]
MODEL_FIELDS = {name: "recipient_name" if name == "recipient" else name for name in FIELDS}
REQUIRED = {
    "recipient": "Enter who received the grant",
    "amount": "Enter how much was awarded",
    "awarded_on": "Enter the date on which it was awarded",
}
# What is published of a grant besides what it is called and what it is for.
DETAILS = {
    "reference": "Identifier",
    "recipient_org_id": "Identifier of who received it",
    "area": "Where it helps",
    "area_code": "Official code of that place",
    "url": "Address",
}
READERS: dict[str, Callable[[str], Any]] = {"amount": parse_pounds, "awarded_on": parse_date}
SAME_TWICE = (
    "Grant {} of this list is the same. Remove one of them. If these are two grants, give each its own title or "
    "identifier."
)
SAME_PUBLISHED = (
    "The same grant is already published, as {}. Remove it from this list. If this is a different grant, give it its "
    "own title."
)
REDACTED_PUBLISHED = (
    "A grant with this sum and date is already published, as {}, and part of its text has been removed. If it is the "
    "same grant, remove it from your list. If this is a different grant, contact us."
)
REFERENCE_TWICE = (
    "Grant {} of this list has the same identifier. Each needs its own. If you have none, leave the box empty."
)
REFERENCE_PUBLISHED = (
    "A grant with this identifier is already published: {} to {}. Remove it from this list. If what is published is "
    "wrong, contact us."
)
REFERENCE_TAKEN_BACK = (
    "This identifier was used for a grant that has since been taken back, so you cannot use it again. Add a letter or "
    "a number to it."
)


@dataclass
class Entry:
    """A grant of a list, as it was typed and as far as it could be read."""

    key: str
    number: int  # its place in the list, from 1
    typed: dict[str, str]
    grant: OnwardGrant
    errors: Errors = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return self.typed["recipient"].strip() or "No recipient yet"

    @property
    def name(self) -> str:
        """The recipient, shortened for sentences and links. Checks use `full_name`."""
        return truncate(self.full_name, 80)

    @property
    def amount_text(self) -> str:
        """As it was read or, if it could not be, as it was typed."""
        return self.typed["amount"] if "amount" in self.errors else format_pounds(self.grant.amount)

    @property
    def day_text(self) -> str:
        """As it was read or, if it could not be, as it was typed."""
        return self.typed["awarded_on"] if "awarded_on" in self.errors else format_date(self.grant.awarded_on)

    @property
    def details(self) -> list[tuple[str, str]]:
        """Labels with texts, as they are published, so that people who check the list read all of it."""
        texts = {name: self.typed[name].strip() for name in DETAILS}
        if texts["url"] and "url" not in self.errors:
            texts["url"] = self.grant.url  # typed perhaps without https://
        return [(DETAILS[name], text) for name, text in texts.items() if text]

    def add_error(self, name: str, sentence: str) -> None:
        self.errors.setdefault(name, []).append(sentence)

    @property
    def problems(self) -> list[str]:
        """Sentences that say which grant they are about."""
        return [f"Grant {self.number}, {self.name}: {said}" for found in self.errors.values() for said in found]


def typed_rows(request: OnwardRequest) -> list[dict[str, str]]:
    """The grants of a request as they were typed, each with its key."""
    rows = request.answers.get("grants", [])
    return [{name: str(row.get(name, "")) for name in ("key", *FIELDS)} for row in rows]


def read_grant(allocation: Allocation, typed: Mapping[str, str]) -> tuple[OnwardGrant, Errors]:
    """The grant that was typed, as far as it can be read, and what is wrong with it, by field."""
    grant, errors = OnwardGrant(allocation=allocation), Errors()
    for name, attribute in MODEL_FIELDS.items():
        text = typed.get(name, "").strip()
        if is_too_long(typed.get(name, "")):
            errors[name] = [TOO_LONG]
            continue
        if not text:
            if name in REQUIRED:
                errors[name] = [REQUIRED[name]]
            continue
        if name == "url" and "://" not in text:
            text = f"https://{text}"
        try:
            value = READERS[name](text) if name in READERS else text
            model_field = cast(Field[Any, Any], OnwardGrant._meta.get_field(attribute))
            setattr(grant, attribute, model_field.clean(value, grant))
        except ValidationError as error:
            errors[name] = error.messages
    try:
        grant.clean()
    except ValidationError as error:
        for attribute, messages in error.message_dict.items():
            errors.setdefault("recipient" if attribute == "recipient_name" else attribute, messages)
    return grant, errors


def read_entries(request: OnwardRequest) -> list[Entry]:
    """All grants of a request, with what is wrong with each, alone or compared with the others."""
    entries = []
    for number, row in enumerate(typed_rows(request), 1):
        key = row.pop("key")
        entries.append(Entry(key, number, row, *read_grant(request.allocation, row)))
    find_repeated(entries, request.allocation)
    return entries


def find_repeated(entries: Sequence[Entry], allocation: Allocation) -> None:
    """Add errors to the grants that are twice in the list, or are published already."""
    recorded = {reference_of(grant): grant for grant in recorded_under(entries)}
    published = {content_of(grant): grant for grant in published_grants(allocation)}
    made_up = {content: grant for content, grant in published.items() if is_made_up(grant)}
    by_reference: dict[str, Entry] = {}
    by_content: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        reference, content = reference_of(entry.grant), content_of(entry.grant)
        if reference:
            if (first := by_reference.setdefault(reference, entry)) is not entry:
                entry.add_error("reference", REFERENCE_TWICE.format(first.number))
            if grant := recorded.get(reference):
                said = REFERENCE_PUBLISHED.format(format_pounds(grant.amount), grant.recipient_name)
                entry.add_error("reference", REFERENCE_TAKEN_BACK if grant.is_reversed else said)
        if entry.errors:
            continue
        # Two equal grants are two only if each has a reference of its own, as in `recording.may_be_same`.
        if same := next((one for one in by_content[content] if not (reference and reference_of(one.grant))), None):
            entry.add_error(NON_FIELD_ERRORS, SAME_TWICE.format(same.number))
        elif grant := find_published(entry.grant, made_up if reference else published):
            said = SAME_PUBLISHED if content_of(grant) == content else REDACTED_PUBLISHED
            entry.add_error(NON_FIELD_ERRORS, said.format(grant.reference))
        by_content[content].append(entry)


def find_published(grant: OnwardGrant, published: Mapping[tuple[Any, ...], OnwardGrant]) -> OnwardGrant | None:
    """The published grant that this one may be, by the same rule as in `recording.check_not_duplicate`."""
    return next(filter(None, map(published.get, possible_contents(grant))), None)


def published_grants(allocation: Allocation) -> list[OnwardGrant]:
    """The grants of an allocation that are in force; those whose references are made up come last."""
    rows = OnwardGrant.objects.standing().filter(allocation=allocation).select_related("allocation")
    return sorted(rows, key=is_made_up)


def recorded_under(entries: Sequence[Entry]) -> list[OnwardGrant]:
    """The grants recorded under one of the references, in any allocation: a reference is used once."""
    references = {reference_of(entry.grant) for entry in entries} - {""}
    rows = OnwardGrant.objects.alias(lower=Lower("reference")).filter(lower__in=references)
    return list(rows.select_related("reversed_by")) if references else []


def reference_of(grant: OnwardGrant) -> str:
    return grant.reference.lower()


def check_entries(request: OnwardRequest) -> list[Entry]:
    """All grants of a request. Raises ValidationError with every reason why they cannot be sent like this.

    A list without any grant can be sent: it says that nothing more was awarded.
    """
    entries = read_entries(request)
    if problems := [problem for entry in entries for problem in entry.problems]:
        raise ValidationError(problems)
    return entries


@dataclass(frozen=True)
class Balance:
    """How much of a grant is published as awarded on, how much more is being reported, and what that leaves."""

    allocated: Decimal
    published: Decimal
    typed: Decimal

    @property
    def unreported(self) -> Decimal:
        return max(self.allocated - self.published - self.typed, Decimal(0))

    @property
    def beyond(self) -> Decimal:
        """What is reported beyond the grant. That is no error: the recipient may have added other money."""
        return max(self.published + self.typed - self.allocated, Decimal(0))


def sum_of_entries(entries: Sequence[Entry]) -> Decimal:
    """The sum of those whose amount can be read."""
    return sum((entry.grant.amount for entry in entries if "amount" not in entry.errors), Decimal(0))
