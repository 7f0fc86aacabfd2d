"""What is held of those who report every quarter, for a subject access request (UK GDPR, article 15).

What is held about people who were asked for one return is found by `vru_portal.links.personal`, as for all requests.
"""

from programmes.results.models import Reporter

# For each field that can hold personal data: under which title it is disclosed, and what erases it.
PERSONAL_FIELDS: dict[str, tuple[str, str]] = {
    "reporter.email": ("Who reports every quarter", "Kept until staff delete or change the row."),
    "reporter.contact_name": ("Who reports every quarter", "Kept until staff delete or change the row."),
}


def rows_about(whose: str) -> dict[str, list[Reporter]]:
    """The rows about a person by title. ``whose`` is their email address or, if that is not known, their name."""
    text = whose.strip()
    named = {"email__iexact": text} if "@" in text else {"contact_name__iexact": text}
    return {"Who reports every quarter": [*Reporter.objects.filter(**named).order_by("pk")] if text else []}
