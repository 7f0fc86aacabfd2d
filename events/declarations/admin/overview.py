"""How far the invitations to the wording in force have come, each number with the list of what it counts."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from events.declarations.choices import OPEN, InvitationState
from events.declarations.models import DeclarationVersion, Invitation, PaperSignature, SigningRequest

# What is counted by its state alone, in the order in which an invitation goes through them.
STATES = (
    InvitationState.QUEUED,
    InvitationState.SENT,
    InvitationState.REFUSED,
    InvitationState.STARTED,
    InvitationState.SIGNED,
    InvitationState.DECLINED,
    InvitationState.EXPIRED,
)


@dataclass(frozen=True)
class Figure:
    """A number, what it counts, and where that is listed."""

    label: str
    number: int
    address: str
    urgent: bool = False


def listed(model: str, **conditions: str | int) -> str:
    """Return the address of a filtered list."""
    query = f"?{urlencode(conditions)}" if conditions else ""
    return reverse(f"admin:declarations_{model}_changelist") + query


def figures(version: DeclarationVersion | None) -> list[Figure]:
    """Return the numbers; of invitations only where a wording is in force."""
    return [*(invitation_figures(version.pk) if version else ()), *other_figures()]


def invitation_figures(version: int) -> list[Figure]:
    """Return how many invitations there are in each state."""
    today = timezone.localdate()
    rows = Invitation.objects.filter(version=version)
    decides = Q(state__in=OPEN, decides_on__gte=today)
    found = rows.aggregate(
        all=Count("pk"),
        later=Count("pk", filter=decides),
        chase=Count("pk", filter=rows.chased(today)),
        **{state.value: Count("pk", filter=Q(state=state)) for state in STATES},
    )
    this: dict[str, str | int] = {"version__id__exact": version}
    chase = found["chase"]
    return [
        Figure("Invited", found["all"], listed("invitation", **this)),
        Figure("To chase", chase, listed("invitation", **this, chase="yes"), urgent=chase > 0),
        *(
            Figure(
                state.label,
                found[state.value],
                listed("invitation", **this, state__exact=state.value),
                urgent=state == InvitationState.REFUSED and found[state.value] > 0,
            )
            for state in STATES
        ),
        Figure("Decide later", found["later"], listed("invitation", **this, chase="later")),
    ]


def other_figures() -> list[Figure]:
    """Return what waits for staff besides."""
    papers = PaperSignature.objects.filter(entry=None).count()
    requests = SigningRequest.objects.filter(answered_at=None).count()
    return [
        Figure("On paper, to confirm", papers, listed("papersignature", confirmed="no"), urgent=papers > 0),
        Figure("Ask to sign", requests, listed("signingrequest", answered="no"), urgent=requests > 0),
    ]
