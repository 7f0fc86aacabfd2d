from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from events.declarations.admin.overview import Figure, invitation_figures
from events.declarations.choices import InvitationState
from events.declarations.models import DeclarationVersion, Invitation, Mail, PaperSignature, SigningRequest
from events.declarations.querysets import DAYS_TO_START, FAILED
from vru_portal.todo import Line, Way, count_all, counted, days, listed, sees, word


@dataclass(frozen=True)
class Progress:
    """How far the invitations to a wording have come."""

    version: DeclarationVersion
    figures: list[Figure]


def lines(request: HttpRequest, version: DeclarationVersion | None) -> list[Line]:
    """Return what waits of the promise, and of its wording in force."""
    found = waiting()
    said: list[Line] = []
    if sees(request, DeclarationVersion) and version is None:
        drafts = listed(DeclarationVersion)
        said += [
            Line(
                "No declaration is in force",
                "Nobody can be invited or sign until a wording is put in force.",
                (Way(word(request, "declarations.publish_declarationversion", "Put one in force"), drafts),),
                urgent=True,
            )
        ]
    if sees(request, Mail):
        said += counted(
            "Emails failed for good",
            "The mail server refused them, so nobody has read them. Try again, or invite the body at another mailbox.",
            word(request, "declarations.change_mail", "Try again"),
            listed(Mail, failed="yes"),
            found["refused"],
            urgent=True,
        )
    if sees(request, SigningRequest):
        said += counted(
            "Bodies ask to sign",
            "They were not invited, and wrote through the public form.",
            word(request, "declarations.change_signingrequest", "Approve or turn down"),
            listed(SigningRequest, answered="no"),
            found["requests"],
        )
    if sees(request, PaperSignature):
        said += counted(
            "Signatures on paper wait to be confirmed",
            "They count once a colleague of whoever entered them has compared them with the scan.",
            word(request, "declarations.confirm_papersignature", "Compare"),
            listed(PaperSignature, confirmed="no"),
            found["papers"],
        )
    return said + (invitation_lines(version) if version and sees(request, Invitation) else [])


def waiting() -> dict[str, int]:
    """Return how many mails were refused, requests have no answer and signatures on paper no second pair of eyes."""
    return count_all(
        {
            "refused": Mail.objects.filter(FAILED),
            "requests": SigningRequest.objects.filter(answered_at=None),
            "papers": PaperSignature.objects.filter(entry=None),
        }
    )


def invitation_lines(version: DeclarationVersion) -> list[Line]:
    """Return what waits of the invitations to the wording in force."""
    found = Invitation.objects.filter(version=version).aggregate(
        silent=Count("pk", filter=Invitation.objects.not_started(timezone.now())),
        declined=Count("pk", filter=Q(state=InvitationState.DECLINED)),
    )
    this: dict[str, str | int] = {"version__id__exact": version.pk}
    return [
        *counted(
            "Invitations not started",
            f"Sent more than {days(DAYS_TO_START)} ago, and nobody has begun to sign.",
            "See who",
            listed(Invitation, **this, chase="silent"),
            found["silent"],
        ),
        *counted(
            "Invitations declined",
            "Somebody said no, most of them why. They can be invited again.",
            "Read why",
            listed(Invitation, **this, state__exact=InvitationState.DECLINED),
            found["declined"],
        ),
    ]


def progress(request: HttpRequest, version: DeclarationVersion | None) -> Progress | None:
    """Return how far the invitations to the wording in force have come."""
    return Progress(version, invitation_figures(version.pk)) if version and sees(request, Invitation) else None
