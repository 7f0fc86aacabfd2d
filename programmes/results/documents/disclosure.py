"""What is held about a person who was asked for figures, for a subject access request (UK GDPR, article 15)."""

from django.db.models import Q

from programmes.results.models import Mail, Reporter, ReturnDraft, Token

# For each field that can hold personal data: under which title it is disclosed, and what erases it.
PERSONAL_FIELDS: dict[str, tuple[str, str]] = {
    **{
        f"returndraft.{name}": ("Return of figures", "forget_draft")
        for name in ("email", "contact_name", "prepared_by", "confirm_name", "confirm_email", "confirmed_by")
    },
    "returndraft.question": ("Return of figures", "forget_draft"),
    "returndraft.answers": ("Return of figures", "forget_draft"),
    "mail.to": ("Email about a return", "forget_draft"),
    "mail.error": ("Email about a return", "forget_draft"),
    "mail.message_id": ("Email about a return", "forget_draft"),
    "token.sha256": ("Link to a return", "forget_draft"),
    "token.mailbox": ("Link to a return", "forget_draft"),
    "reporter.email": ("Who reports every quarter", "Kept until staff delete or change the row."),
    "reporter.contact_name": ("Who reports every quarter", "Kept until staff delete or change the row."),
}
NAMES = ("contact_name", "prepared_by", "confirm_name", "confirmed_by")


def rows_about(whose: str) -> dict[str, list[ReturnDraft | Mail | Token | Reporter]]:
    """All rows about a person by title. ``whose`` is their email address or, if that is not known, their name."""
    text = whose.strip()
    if "@" in text:
        asked = Q(email__iexact=text) | Q(confirm_email__iexact=text) | Q(mails__to__iexact=text)
        reporters = Reporter.objects.filter(email__iexact=text)
    else:
        asked = Q()
        for name in NAMES:
            asked |= Q(**{f"{name}__iexact": text})
        reporters = Reporter.objects.filter(contact_name__iexact=text)
    drafts = ReturnDraft.objects.filter(pk__in=ReturnDraft.objects.filter(asked).values("pk"))
    of_drafts = {"draft__in": drafts.values("pk")}
    return {
        "Return of figures": [*drafts.select_related("asked__initiative", "asked__organisation").order_by("pk")],
        "Email about a return": [*Mail.objects.filter(**of_drafts).order_by("pk")],
        "Link to a return": [*Token.objects.filter(**of_drafts).order_by("pk")],
        "Who reports every quarter": [*reporters.order_by("pk")],
    }
