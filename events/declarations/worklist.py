from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from events.declarations.admin.overview import OverviewCount, invitation_counts
from events.declarations.choices import InvitationState
from events.declarations.models import DeclarationVersion, Invitation, Mail, PaperSignature, SigningRequest
from events.declarations.querysets import DAYS_TO_START, FAILED_MAILS
from vru_portal.staff.admin_links import can_view, changelist_url
from vru_portal.staff.worklist import WorklistItem, WorklistLink, count_rows, item_unless_empty, link_label
from vru_portal.text.dates import format_days


@dataclass(frozen=True)
class InvitationProgress:
    """The progress of the invitations to a version."""

    version: DeclarationVersion
    figures: list[OverviewCount]


def worklist_items(request: HttpRequest, version: DeclarationVersion | None) -> list[WorklistItem]:
    """What needs doing for the declaration and its version in force."""
    counts = count_unanswered()
    items: list[WorklistItem] = []
    if can_view(request, DeclarationVersion) and version is None:
        drafts = changelist_url(DeclarationVersion)
        items += [
            WorklistItem(
                "No declaration is in force",
                "Nobody can be invited or sign until a version is put in force.",
                (
                    WorklistLink(
                        link_label(request, "declarations.publish_declarationversion", "Put a version in force"), drafts
                    ),
                ),
                urgent=True,
            )
        ]
    if can_view(request, Mail):
        items += item_unless_empty(
            "Emails that could not be delivered",
            "The mail server refused them. Try again, or invite the organisation at another email address.",
            link_label(request, "declarations.change_mail", "Try again"),
            changelist_url(Mail, failed="yes"),
            counts["refused"],
            urgent=True,
        )
    if can_view(request, SigningRequest):
        items += item_unless_empty(
            "Requests to sign",
            "From organisations that were not invited and used the public form.",
            link_label(request, "declarations.change_signingrequest", "Approve or turn down"),
            changelist_url(SigningRequest, answered="no"),
            counts["requests"],
        )
    if can_view(request, PaperSignature):
        items += item_unless_empty(
            "Signatures on paper to confirm",
            "They count once a second member of staff has compared them with the scan.",
            link_label(request, "declarations.confirm_papersignature", "Compare"),
            changelist_url(PaperSignature, confirmed="no"),
            counts["papers"],
        )
    return items + (invitation_items(version) if version and can_view(request, Invitation) else [])


def count_unanswered() -> dict[str, int]:
    """How many emails were refused, and how many requests and signatures on paper wait for an answer."""
    return count_rows(
        {
            "refused": Mail.objects.filter(FAILED_MAILS),
            "requests": SigningRequest.objects.filter(answered_at=None),
            "papers": PaperSignature.objects.filter(entry=None),
        }
    )


def invitation_items(version: DeclarationVersion) -> list[WorklistItem]:
    """What needs doing for the invitations to this version."""
    counts = Invitation.objects.filter(version=version).aggregate(
        silent=Count("pk", filter=Invitation.objects.not_started(timezone.now())),
        declined=Count("pk", filter=Q(state=InvitationState.DECLINED)),
    )
    of_version: dict[str, str | int] = {"version__id__exact": version.pk}
    return [
        *item_unless_empty(
            "Invitations not started",
            f"Sent more than {format_days(DAYS_TO_START)} ago, and nobody has started to sign.",
            "See who",
            changelist_url(Invitation, **of_version, chase="silent"),
            counts["silent"],
        ),
        *item_unless_empty(
            "Invitations declined",
            "Most say why. You can invite them again.",
            "Read why",
            changelist_url(Invitation, **of_version, state__exact=InvitationState.DECLINED),
            counts["declined"],
        ),
    ]


def invitation_progress(request: HttpRequest, version: DeclarationVersion | None) -> InvitationProgress | None:
    if version is None or not can_view(request, Invitation):
        return None
    return InvitationProgress(version, invitation_counts(version.pk))
