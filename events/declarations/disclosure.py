"""Everything that is held about one person: for whoever asks for it, and for nobody else."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    SignatoryBody,
    SigningRequest,
    Token,
)
from events.declarations.register.canonical import canonical

MOST_DIGITS = 15  # of an entry's number: no database counts further
# What there is to say of a field that can hold personal data: where `held` shows it, which rule drops it, and why it
# is kept where none does. `tests/events/declarations/test_erasure.py` refuses a field that is neither here nor PLAIN.
ERASED = "rules.erase, rules.forget"
PAPER = "rules.erase, rules.forget_paper"
REQUEST = "rules.forget, rules.forget_request"
PERSONAL: dict[str, tuple[str, str]] = {
    "personalrecord.disclosed": ("Signature", "rules.erase"),
    "invitation.email": ("Invitation", ERASED),
    "invitation.contact_name": ("Invitation", ERASED),
    "invitation.declined_because": ("Invitation", ERASED),
    "invitation.decides_on": ("Invitation", "Kept: a day of the body's, with no person left beside it."),
    "preparation.name": ("What was prepared", ERASED),
    "preparation.role": ("What was prepared", ERASED),
    "preparation.email": ("What was prepared", ERASED),
    "preparation.authority": ("What was prepared", ERASED),
    "preparation.authority_reference": ("What was prepared", ERASED),
    "preparation.authority_date": ("What was prepared", ERASED),
    "preparation.name_is_public": ("What was prepared", ERASED),
    "preparation.prepared_by": ("What was prepared", ERASED),
    "mail.to": ("Mail", ERASED),
    "mail.error": ("Mail", ERASED),
    "mail.message_id": ("Mail", ERASED),
    "token.sha256": ("Link", ERASED),
    "signingrequest.name": ("Request to sign", REQUEST),
    "signingrequest.contact_name": ("Request to sign", REQUEST),
    "signingrequest.email": ("Request to sign", REQUEST),
    "signingrequest.message": ("Request to sign", REQUEST),
    "papersignature.signatory_name": ("Signature on paper", PAPER),
    "papersignature.signatory_role": ("Signature on paper", PAPER),
    "papersignature.scan": ("Signature on paper", PAPER),
    "papersignature.scan_sha256": (
        "Signature on paper",
        "Kept: says which scan it was, not what was on it.",
    ),
    "papersignature.signed_on": ("Signature on paper", "Kept: a day, with no person left beside it."),
    "papersignature.name_is_public": ("Signature on paper", "Kept: with no person left beside it."),
    "entry.leaf": ("Entry", "Kept: public; of the person it holds salted codes, which nothing opens once erased."),
    "signatorybody.name": ("Signatory body", "Kept: public; the name of a body, as the register shows it."),
}


@dataclass(frozen=True)
class Part:
    """A record that is held, as it can be handed over: its fields, in words."""

    title: str
    key: int
    facts: dict[str, Any]


def held(whose: str) -> list[Part]:
    """Return everything that is held about a person; an empty list where there is nothing.

    ``whose`` is their mailbox, the number of the entry that they signed, or, where neither is known, their name.
    """
    text = whose.strip()
    if text.isdecimal():
        return held_by(int(text)) if len(text) <= MOST_DIGITS else []
    return held_of(text) if "@" in text else held_under(text)


def held_of(address: str) -> list[Part]:
    """Return what is held about whoever has this mailbox."""
    asked = SigningRequest.objects.filter(email__iexact=address)
    invitations = Invitation.objects.of_mailbox(address) | Invitation.objects.filter(request__in=asked)
    return together(signed_with("email", address), invitations, asked)


def held_under(name: str) -> list[Part]:
    """Return what is held under a name, which others may bear: signatories, assistants, contacts, those who asked."""
    asked = SigningRequest.objects.filter(contact_name__iexact=name)
    prepared = Q(preparation__name__iexact=name) | Q(preparation__prepared_by__iexact=name)
    invitations = Invitation.objects.filter(Q(contact_name__iexact=name) | prepared | Q(request__in=asked))
    papers = PaperSignature.objects.filter(signatory_name__iexact=name)
    return together(signed_with("name", name) | signed_with("prepared_by", name), invitations, asked, papers)


def held_by(seq: int) -> list[Part]:
    """Return what is held about whoever signed this entry, online or on paper."""
    record = PersonalRecord.objects.filter(pk=seq).first()
    if record and (address := record.values.get("email")):
        return held_of(address)
    return together({seq}, Invitation.objects.none(), SigningRequest.objects.none())


def signed_with(part: str, value: str) -> set[int]:
    """Return the entries that commit to this value: found as JSON writes it, then compared."""
    records = PersonalRecord.objects.filter(disclosed__icontains=f'"value":{canonical(value)}')
    return {record.pk for record in records if record.values.get(part, "").lower() == value.lower()}


def together(
    signed: Collection[int],
    invitations: models.QuerySet[Invitation],
    asked: models.QuerySet[SigningRequest],
    papers: models.QuerySet[PaperSignature] | None = None,
) -> list[Part]:
    """Return the records with whatever belongs to them: those of the register first, then what led to them."""
    chosen = invitations.values("pk")
    entries = Entry.objects.filter(Q(pk__in=signed) | Q(invitation__in=chosen)).values("pk")
    mine = Invitation.objects.filter(Q(pk__in=chosen) | Q(entry__in=entries))
    paper = Q(entry__in=entries) | Q(pk__in=papers.values("pk") if papers is not None else [])
    requests = SigningRequest.objects.filter(Q(pk__in=asked.values("pk")) | Q(invitation__in=mine.values("pk")))
    rows = {
        "Entry": Entry.objects.filter(Q(pk__in=entries) | Q(of__in=entries)).select_related("version__declaration"),
        "Signature": PersonalRecord.objects.filter(entry__in=entries),
        "Signature that stands": LiveSignature.objects.filter(entry__in=entries),
        "Signature on paper": PaperSignature.objects.filter(paper),
        "Invitation": mine,
        "What was prepared": Preparation.objects.filter(invitation__in=mine.values("pk")),
        "Mail": Mail.objects.filter(invitation__in=mine.values("pk")),
        "Link": Token.objects.filter(invitation__in=mine.values("pk")),
        "Request to sign": requests,
        "Signatory body": SignatoryBody.objects.filter(
            Q(entries__in=entries) | Q(invitations__in=mine.values("pk"))
        ).distinct(),
    }
    return [Part(title, row.pk, facts_of(row)) for title, found in rows.items() for row in found.order_by("pk")]


def facts_of(row: models.Model) -> dict[str, Any]:
    """Return every field of a row under its name; what it refers to in words."""
    facts: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.name)
        if isinstance(field, models.FileField):
            value = value.name
        facts[str(field.verbose_name)] = str(value) if isinstance(value, models.Model) else value
    return facts


def as_json(found: list[Part]) -> str:
    """Return it for a machine."""
    rows = [{"record": part.title, **part.facts} for part in found]
    return json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"


def in_words(value: Any) -> str:
    """Return a value as a person reads it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{timezone.localtime(value):%-d %B %Y, %H:%M}"
        case date():
            return f"{value:%-d %B %Y}"
    return str(value)


def as_text(found: list[Part]) -> str:
    """Return it for a person: a paragraph a record, a line a fact."""
    paragraphs = []
    for part in found:
        lines = (f"  {name}: {in_words(value)}" for name, value in part.facts.items() if value not in (None, ""))
        paragraphs.append("\n".join((part.title, *lines)))
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""
