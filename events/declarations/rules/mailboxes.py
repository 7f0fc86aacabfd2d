"""What staff should know about the mailbox that an invitation goes to."""

from collections.abc import Sequence

from events.declarations.choices import ENDED_INVITATION_STATES
from events.declarations.models import DeclarationVersion, Invitation, SignatoryBody
from vru_portal.tabular.reading.sheets import join_names
from vru_portal.text.cleaning import fold


def organisations_invited_at(version: DeclarationVersion, emails: Sequence[str]) -> dict[str, list[str]]:
    """By folded address, the organisations that are invited to this version, or have signed it, at these mailboxes."""
    wanted = {fold(email) for email in emails}
    found: dict[str, list[str]] = {}
    rows = Invitation.objects.filter(version=version).exclude(state__in=ENDED_INVITATION_STATES)
    # Compared here, as names are: no two databases fold alike.
    for email, name in rows.order_by("created_at", "pk").values_list("email", "body__name"):
        if (key := fold(email)) in wanted:
            found.setdefault(key, []).append(name)
    return found


def mailbox_note(names: Sequence[str], body: SignatoryBody) -> str:
    """A sentence about a mailbox at which these organisations are invited; empty if no other than `body` is.

    It is no refusal: one clerk may serve several councils.
    """
    others = [name for name in names if fold(name) != fold(body.name)]
    return f"This mailbox is already invited for {join_names(others)}." if others else ""


def note_of(invitation: Invitation) -> str:
    """The note about the mailbox of an invitation that was just made."""
    invited_at = organisations_invited_at(invitation.version, [invitation.email])
    return mailbox_note(invited_at.get(fold(invitation.email), []), invitation.body)
