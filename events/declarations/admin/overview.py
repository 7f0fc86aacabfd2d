"""How many invitations are in each state. Each number links to the list that it counts."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from events.declarations.choices import OPEN_INVITATION_STATES, InvitationState
from events.declarations.models import DeclarationVersion, Invitation, PaperSignature, SigningRequest
from vru_portal.staff.admin_links import changelist_url

# In the order in which an invitation goes through them. Drafts and revoked invitations are not counted by themselves.
COUNTED_STATES = (
    InvitationState.QUEUED,
    InvitationState.SENT,
    InvitationState.REFUSED,
    InvitationState.STARTED,
    InvitationState.SIGNED,
    InvitationState.DECLINED,
    InvitationState.EXPIRED,
)


@dataclass(frozen=True)
class OverviewCount:
    """A number, what it counts, and the address of the list of what it counts."""

    label: str
    number: int
    address: str
    urgent: bool = False


def overview_counts(version: DeclarationVersion | None) -> list[OverviewCount]:
    """All numbers; those of invitations only if a text is in force."""
    return [*(invitation_counts(version.pk) if version else ()), *follow_up_counts()]


def invitation_counts(version: int) -> list[OverviewCount]:
    """How many invitations to sign this version there are, in total and in each state."""
    today = timezone.localdate()
    rows = Invitation.objects.filter(version=version)
    decides_later = Q(state__in=OPEN_INVITATION_STATES, decides_on__gte=today)
    counts = rows.aggregate(
        all=Count("pk"),
        later=Count("pk", filter=decides_later),
        chase=Count("pk", filter=rows.needs_chasing(today)),
        **{state.value: Count("pk", filter=Q(state=state)) for state in COUNTED_STATES},
    )
    of_version: dict[str, str | int] = {"version__id__exact": version}
    to_chase = counts["chase"]
    return [
        OverviewCount("Invited", counts["all"], changelist_url(Invitation, **of_version)),
        OverviewCount("To chase", to_chase, changelist_url(Invitation, **of_version, chase="yes"), urgent=to_chase > 0),
        *(
            OverviewCount(
                state.label,
                counts[state.value],
                changelist_url(Invitation, **of_version, state__exact=state.value),
                urgent=state == InvitationState.REFUSED and counts[state.value] > 0,
            )
            for state in COUNTED_STATES
        ),
        OverviewCount("Decide later", counts["later"], changelist_url(Invitation, **of_version, chase="later")),
    ]


def follow_up_counts() -> list[OverviewCount]:
    """How many paper signatures and requests to sign wait for staff."""
    papers = PaperSignature.objects.filter(entry=None).count()
    requests = SigningRequest.objects.filter(answered_at=None).count()
    return [
        OverviewCount(
            "Paper signatures to confirm", papers, changelist_url(PaperSignature, confirmed="no"), urgent=papers > 0
        ),
        OverviewCount("Requests to sign", requests, changelist_url(SigningRequest, answered="no"), urgent=requests > 0),
    ]
