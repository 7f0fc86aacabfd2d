"""What the cells of a ledger's file name: allocations and decisions, by id, reference or name."""

from collections.abc import Iterable, Iterator

from django.db.models.functions import Coalesce

from funding.models import Allocation, Decision
from funding.validators import year_label
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.reading.named_records import Candidate, Found, find, records_by_key
from vru_portal.text.dates import format_date


def find_decisions(texts: Iterable[str]) -> Found:
    """The decisions that cells name: by their reference, after the financial year where several years have it."""
    wanted = set(texts)
    if not wanted:
        return Found()
    rows = Decision.objects.standing().values_list("pk", "year__first_year", "reference", "title")
    candidates = [
        Candidate(pk, f"{year_label(first)} {reference}", [reference, f"{reference}: {title}"])
        for pk, first, reference, title in rows
    ]
    return find(Decision, wanted, candidates)


def find_allocations(texts: Iterable[str], *related: str) -> Found:
    """The allocations that cells name: by their id, or by what they are for, their recipient, or both."""
    wanted = set(texts)
    found = Found(records_by_key(Allocation, "public_id", wanted, *related))
    if others := wanted - found.records.keys():
        described = find(Allocation, others, list(_described_allocations()), *related)
        found = Found(found.records | described.records, described.ambiguous)
    return found


def _described_allocations() -> Iterator[Candidate]:
    """All allocations; those that were reversed only by their ids."""
    rows = Allocation.objects.values_list(
        *("pk", "public_id", Coalesce("initiative__name", "heading__name")),
        *(Coalesce("initiative__slug", "heading__slug"), "recipient__name", "reverses", "reversed_by"),
        *("amount", "awarded_on"),
    )
    for pk, public_id, subject, slug, recipient, reverses, reversed_by, amount, awarded_on in rows:
        together = f"{subject}, {recipient}"
        names = [subject, slug, recipient, together, f"{public_id}: {together}"]
        described = f"{format_pounds(amount)} for {together}, {format_date(awarded_on)}"
        yield Candidate(pk, public_id, [] if reverses or reversed_by else names, described)
