"""All data held about one person, for a subject access request (UK GDPR, article 15)."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

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
from programmes.results.documents import disclosure as returns
from vru_portal.links import personal as requests
from vru_portal.text.cleaning import fold
from vru_portal.text.dates import format_date, format_datetime

MAX_ENTRY_DIGITS = 15  # in an entry's number: longer ones would overflow in the database
ERASED_WITH_INVITATION = "erase_personal_data, forget_invitation"
ERASED_WITH_PAPER = "erase_personal_data, forget_paper_signature"
ERASED_WITH_MATTER = "erase_personal_data, forget_invitation, delete_signing_request"
ERASED_WITH_REQUEST = "forget_invitation, delete_signing_request"
# For each field that can hold personal data: under which title `records_about` shows it, and which functions of
# `rules.erasure` delete it, or why it is kept. A test (test_erasure.py) refuses any field of these models that is
# neither here nor on its list of fields without personal data.
PERSONAL_FIELDS: dict[str, tuple[str, str]] = {
    "personalrecord.disclosed": ("Signature", "erase_personal_data"),
    "invitation.email": ("Invitation", ERASED_WITH_INVITATION),
    "invitation.contact_name": ("Invitation", ERASED_WITH_INVITATION),
    "invitation.declined_because": ("Invitation", ERASED_WITH_INVITATION),
    "invitation.decides_on": ("Invitation", "Kept: a date of the organisation's, no longer linked to a person."),
    "preparation.name": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.role": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.email": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.authority": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.authority_reference": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.authority_date": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.name_is_public": ("Prepared signature", ERASED_WITH_INVITATION),
    "preparation.prepared_by": ("Prepared signature", ERASED_WITH_INVITATION),
    "mail.to": ("Mail", ERASED_WITH_MATTER),
    "mail.error": ("Mail", ERASED_WITH_MATTER),
    "mail.message_id": ("Mail", ERASED_WITH_MATTER),
    "token.sha256": ("Link", ERASED_WITH_INVITATION),
    "signingrequest.name": ("Request to sign", ERASED_WITH_REQUEST),
    "signingrequest.contact_name": ("Request to sign", ERASED_WITH_REQUEST),
    "signingrequest.email": ("Request to sign", ERASED_WITH_REQUEST),
    "signingrequest.message": ("Request to sign", ERASED_WITH_REQUEST),
    "papersignature.signatory_name": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.signatory_role": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.authority": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.authority_reference": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.authority_date": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.scan": ("Signature on paper", ERASED_WITH_PAPER),
    "papersignature.scan_sha256": (
        "Signature on paper",
        "Kept: identifies the scan, but reveals nothing about its content.",
    ),
    "papersignature.signed_on": ("Signature on paper", "Kept: a date, no longer linked to a person."),
    "papersignature.name_is_public": ("Signature on paper", "Kept: no longer linked to a person."),
    "entry.leaf": (
        "Entry",
        "Kept: public. Its hashes of personal data are useless once the salts are erased.",
    ),
    "signatorybody.name": (
        "Signatory organisation",
        "Kept: public. The name of an organisation, not of a person.",
    ),
}


@dataclass(frozen=True)
class HeldRecord:
    """A record about a person, as it is handed over: its fields by their labels."""

    title: str
    key: int
    fields: dict[str, Any]


def records_about(whose: str) -> list[HeldRecord]:
    """All records about a person; empty if there are none.

    ``whose`` is their email address, the number of the entry that they signed, or, if neither is known, their name.
    """
    text = whose.strip()
    if text.isdecimal():
        return records_of_signatory(int(text)) if len(text) <= MAX_ENTRY_DIGITS else []
    found = records_of_mailbox(text) if "@" in text else records_of_name(text)
    return [*found, *records_of_reporter(text)]


def records_of_reporter(whose: str) -> list[HeldRecord]:
    """Records about people who were asked to report something through a link, or are asked every quarter."""
    rows = requests.rows_about(whose) | returns.rows_about(whose)
    return [HeldRecord(title, row.pk, field_values(row)) for title, found in rows.items() for row in found]


def records_of_mailbox(address: str) -> list[HeldRecord]:
    requests = SigningRequest.objects.filter(email__iexact=address)
    invitations = Invitation.objects.of_mailbox(address) | Invitation.objects.filter(request__in=requests)
    return related_records(entries_committing_to("email", address), invitations, requests)


def records_of_name(name: str) -> list[HeldRecord]:
    """Records that name a signatory, assistant or contact of this name, who may be several people."""
    requests = SigningRequest.objects.filter(contact_name__iexact=name)
    prepared = Q(preparation__name__iexact=name) | Q(preparation__prepared_by__iexact=name)
    invitations = Invitation.objects.filter(Q(contact_name__iexact=name) | prepared | Q(request__in=requests))
    papers = PaperSignature.objects.filter(signatory_name__iexact=name)
    return related_records(
        entries_committing_to("name", name) | entries_committing_to("prepared_by", name), invitations, requests, papers
    )


def records_of_signatory(seq: int) -> list[HeldRecord]:
    """Records about the person who signed this entry, online or on paper."""
    record = PersonalRecord.objects.filter(pk=seq).first()
    if record and (address := record.values.get("email")):
        return records_of_mailbox(address)
    return related_records({seq}, Invitation.objects.none(), SigningRequest.objects.none())


def entries_committing_to(field: str, value: str) -> set[int]:
    """Numbers of the entries whose personal data has this value in this field.

    The database finds candidates in the JSON text; the parsed values decide.
    """
    records = PersonalRecord.objects.filter(disclosed__icontains=f'"value":{canonical(value)}')
    return {record.pk for record in records if fold(record.values.get(field, "")) == fold(value)}


def related_records(
    signed: Collection[int],
    invitations: models.QuerySet[Invitation],
    requests: models.QuerySet[SigningRequest],
    papers: models.QuerySet[PaperSignature] | None = None,
) -> list[HeldRecord]:
    """These records and all that belong to them: first those of the register, then what led to them."""
    chosen = invitations.values("pk")
    entries = Entry.objects.filter(Q(pk__in=signed) | Q(invitation__in=chosen)).values("pk")
    all_invitations = Invitation.objects.filter(Q(pk__in=chosen) | Q(entry__in=entries))
    paper = Q(entry__in=entries) | Q(pk__in=papers.values("pk") if papers is not None else [])
    of_invitations = Q(invitation__in=all_invitations.values("pk"))
    all_requests = SigningRequest.objects.filter(Q(pk__in=requests.values("pk")) | of_invitations)
    rows = {
        "Entry": Entry.objects.filter(Q(pk__in=entries) | Q(of__in=entries)).select_related("version__declaration"),
        "Signature": PersonalRecord.objects.filter(entry__in=entries),
        "Signature in force": LiveSignature.objects.filter(entry__in=entries),
        "Signature on paper": PaperSignature.objects.filter(paper),
        "Invitation": all_invitations,
        "Prepared signature": Preparation.objects.filter(of_invitations),
        "Mail": Mail.objects.filter(of_invitations | Q(request__in=all_requests.values("pk"))),
        "Link": Token.objects.filter(of_invitations),
        "Request to sign": all_requests,
        "Signatory organisation": SignatoryBody.objects.filter(
            Q(entries__in=entries) | Q(invitations__in=all_invitations.values("pk"))
        ).distinct(),
    }
    return [
        HeldRecord(title, row.pk, field_values(row))
        for title, queryset in rows.items()
        for row in queryset.order_by("pk")
    ]


def field_values(row: models.Model) -> dict[str, Any]:
    """Every field of a row by its label; related rows as text."""
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.name)
        if isinstance(field, models.FileField):
            value = value.name
        values[str(field.verbose_name)] = str(value) if isinstance(value, models.Model) else value
    return values


def records_as_json(records: list[HeldRecord]) -> str:
    rows = [{"record": record.title, **record.fields} for record in records]
    return json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"


def value_as_text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return format_datetime(value)
        case date():
            return format_date(value)
    return str(value)


def records_as_text(records: list[HeldRecord]) -> str:
    """As text: a paragraph for each record, a line for each field."""
    paragraphs = []
    for record in records:
        lines = (
            f"  {name}: {value_as_text(value)}" for name, value in record.fields.items() if value not in (None, "")
        )
        paragraphs.append("\n".join((record.title, *lines)))
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""
