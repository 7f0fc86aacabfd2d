"""Roles, and what each allows. This file defines them, and every migration updates Django's groups to match it.

A role is given on the page of an account; nobody can edit its permissions. Roles can be combined safely: rules that
need two people (four eyes) look at who did what, never at roles.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

VIEW, ADD, CHANGE, DELETE = "view", "add", "change", "delete"


def permission_names(verbs: str, *models: str) -> frozenset[str]:
    """Each of the verbs on each of these models, as Django names permissions.

    A model without an app belongs to the app of the model before it.
    """
    names, app = set(), ""
    for model in models:
        app, _, name = model.rpartition(".") if "." in model else (app, "", model)
        names |= {f"{app}.{verb}_{name}" for verb in verbs.split()}
    return frozenset(names)


RECORDS = (
    *("partners.publication", "organisation", "person", "post", "contactpoint", "statement"),
    *("programmes.preventionlevel", "successcondition", "initiative", "predecessor", "term", "passage", "story"),
    *("picture", "document", "toolkitapproach"),
    *("events.event", "agendaitem", "appearance"),
)
VOCABULARIES = ("partners.sector", "programmes.audience", "setting", "area", "synonym")
ASSESSMENTS = ("programmes.evidenceassessment", "assessmentdecision")
MEASURES = ("results.measure", "breakdown", "breakdowngroup", "target", "areapopulation")
FIGURES = ("results.approvedreturn", "approvedfigure", "approvedpart")
# A return with its answers is among what every role may view; these add who reports, and the emails.
RETURNS = ("results.return", "returndraft", "reporter", "mail")
PERMISSIONS_OF_EVERY_ROLE = permission_names(
    VIEW,
    *RECORDS,
    *VOCABULARIES,
    *ASSESSMENTS,
    *MEASURES,
    *FIGURES,
    "results.return",
    "reportingrules",
    "workbookcolumn",
    "partners.unit",
    "vru_portal.pending",
    "submission",
    "filejob",
)
MONEY = (
    "funding.allocation",
    "payment",
    "fundingsource",
    "financialyear",
    "contractcopy",
    "explanation",
    "regranting",
    "onwardgrant",
    "onwardrequest",
    "onwardmail",
    "budgetheading",
    "decision",
    "variation",
    "overcommitment",
    "sourcecondition",
    "fulfilment",
)
DECLARATIONS = (
    *("declarations.declaration", "declarationversion", "signatorybody", "invitation", "mail"),
    *("signingrequest", "papersignature", "entry", "registerkey"),
)


@dataclass(frozen=True)
class Role:
    """What a role allows, as a sentence for staff and as permissions."""

    name: str
    sentence: str
    permissions: frozenset[str] = frozenset()
    may_view_everything: bool = False


ADMINISTRATOR = "Administrator"
ROLES = (
    Role(
        "Editor",
        "Writes and edits content. Changes to published pages appear once a Publisher publishes them.",
        PERMISSIONS_OF_EVERY_ROLE
        | permission_names(f"{ADD} {CHANGE} {DELETE}", *RECORDS)
        | permission_names(ADD, *VOCABULARIES)
        | permission_names(f"{ADD} {CHANGE}", "programmes.evidenceassessment")
        | permission_names(f"{ADD} {CHANGE}", *MEASURES)
        | permission_names(f"{VIEW} {ADD} {CHANGE}", *RETURNS)
        | permission_names(DELETE, "results.reporter")
        | permission_names(f"{VIEW} {ADD} {CHANGE} {DELETE}", "vru_portal.headingmapping")
        | permission_names(CHANGE, "partners.unit"),
    ),
    Role(
        "Publisher",
        "Publishes and unpublishes content, changes its order, and decides on evidence assessments written by others.",
        PERMISSIONS_OF_EVERY_ROLE
        | {"vru_portal.publish"}
        | permission_names(f"{CHANGE} {DELETE}", *VOCABULARIES)
        | permission_names(f"{ADD} {CHANGE}", "programmes.assessmentdecision")
        | permission_names(DELETE, *MEASURES)
        | permission_names(VIEW, *RETURNS)
        | {"results.approve_return"},
    ),
    Role(
        "Finance",
        "Records funding sources, allocations and payments, one by one or from files, and asks recipients for onward "
        "grants.",
        PERMISSIONS_OF_EVERY_ROLE
        | permission_names(f"{VIEW} {ADD} {CHANGE}", *MONEY)
        | permission_names(f"{VIEW} {ADD} {CHANGE} {DELETE}", "funding.contributor", "vru_portal.headingmapping")
        | permission_names(VIEW, "funding.publicationduty", "dutycolumn"),
    ),
    Role(
        "Declaration manager",
        "Prepares the declaration, invites organisations to sign it, and enters signatures on paper.",
        PERMISSIONS_OF_EVERY_ROLE
        | permission_names(VIEW, *DECLARATIONS)
        | permission_names(f"{ADD} {CHANGE}", "declarations.declaration")
        | permission_names(
            f"{ADD} {CHANGE} {DELETE}", "declarations.declarationversion", "signatorybody", "papersignature"
        )
        | permission_names(f"{ADD} {CHANGE}", "declarations.invitation")
        | permission_names(CHANGE, "declarations.mail", "signingrequest")
        | permission_names(f"{VIEW} {ADD} {CHANGE} {DELETE}", "vru_portal.headingmapping")
        | {
            "declarations.publish_declarationversion",
            "declarations.confirm_papersignature",
            "declarations.correct_entry",
        },
    ),
    Role(
        "Information governance",
        "Responsible for personal data: writes the legal notice, and discloses or erases what is held about a person.",
        PERMISSIONS_OF_EVERY_ROLE
        | permission_names(VIEW, *DECLARATIONS)
        | permission_names(f"{VIEW} {CHANGE}", "partners.legalnotice")
        | {"declarations.erase_entry", "funding.erase_onwardrequest", "results.erase_return"},
    ),
    Role("Auditor", "Sees everything and changes nothing.", may_view_everything=True),
    Role(
        ADMINISTRATOR,
        "Creates and deactivates accounts, gives roles, and changes the settings of the whole portal.",
        PERMISSIONS_OF_EVERY_ROLE
        | permission_names(f"{VIEW} {ADD} {CHANGE}", "auth.user")
        | permission_names(VIEW, "auth.group", "admin.logentry")
        | permission_names(f"{VIEW} {CHANGE}", "partners.unit", "legalnotice", "funding.publicationduty")
        | permission_names(f"{VIEW} {ADD} {CHANGE} {DELETE}", "funding.dutycolumn", "results.workbookcolumn")
        | permission_names(f"{VIEW} {ADD} {CHANGE}", "results.reportingrules"),
    ),
)
ROLES_BY_NAME = {role.name: role for role in ROLES}
# An Auditor sees the tables of these apps only: the others hold sessions and secrets of second factors.
OWN_APPS = (*("admin", "auth", "declarations", "events", "funding", "partners", "programmes", "results", "vru_portal"),)


def install_roles(using: str = "default", **options: Any) -> None:
    """Create and update the groups for these roles. Runs after each migration."""
    keys = {
        f"{app}.{name}": key
        for key, app, name in Permission.objects.using(using).values_list("pk", "content_type__app_label", "codename")
    }
    with transaction.atomic(using=using):
        for role in ROLES:
            group, _ = Group.objects.using(using).get_or_create(name=role.name)
            expected = {keys[name] for name in permissions_of(role, keys)}
            if set(group.permissions.values_list("pk", flat=True)) != expected:
                group.permissions.set(expected)


def permissions_of(role: Role, known: Iterable[str]) -> set[str]:
    """Which of the known permissions a role has."""
    if role.may_view_everything:
        return {name for name in known if name.partition(".")[0] in OWN_APPS and f".{VIEW}_" in name}
    return set(known) & role.permissions


def administrators() -> Any:
    """The active accounts that can give roles."""
    may_give = Q(groups__name=ADMINISTRATOR) | Q(is_superuser=True)
    return get_user_model()._default_manager.filter(may_give, is_active=True).distinct()
