"""Who may do what: roles, kept as groups by this file, which is put in place after every migration.

A role is given on the page of an account; nobody edits what it may. Roles add up safely: rules that need two people
(four eyes) look at who has done what, never at roles.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

VIEW, ADD, CHANGE, DELETE = "view", "add", "change", "delete"


def may(verbs: str, *models: str) -> frozenset[str]:
    """Return permissions: each of the verbs on each of these models, whose app is named once, before the first."""
    found, app = set(), ""
    for model in models:
        app, _, name = model.rpartition(".") if "." in model else (app, "", model)
        found |= {f"{app}.{verb}_{name}" for verb in verbs.split()}
    return frozenset(found)


RECORDS = (
    *("partners.publication", "organisation", "person", "post", "contactpoint", "statement"),
    *("programmes.preventionlevel", "successcondition", "initiative", "predecessor", "term", "passage", "story"),
    *("picture", "document"),
    *("events.event", "agendaitem", "appearance"),
)
VOCABULARIES = ("partners.sector", "programmes.audience", "setting", "area")
ASSESSMENTS = ("programmes.evidenceassessment", "assessmentdecision")
CONTENT = may(VIEW, *RECORDS, *VOCABULARIES, *ASSESSMENTS, "partners.unit", "vru_portal.pending", "filejob")
MONEY = ("funding.allocation", "payment", "fundingsource", "financialyear", "contractcopy", "explanation")
DECLARATIONS = (
    *("declarations.declaration", "declarationversion", "signatorybody", "invitation", "mail"),
    *("signingrequest", "papersignature", "entry", "registerkey"),
)


@dataclass(frozen=True)
class Role:
    """What somebody who has it may do, in a sentence and in permissions."""

    name: str
    sentence: str
    permissions: frozenset[str] = frozenset()
    sees_everything: bool = False


ADMINISTRATOR = "Administrator"
ROLES = (
    Role(
        "Editor",
        "Writes and changes what the portal says. What is public changes once a Publisher publishes it.",
        CONTENT
        | may(f"{ADD} {CHANGE} {DELETE}", *RECORDS)
        | may(ADD, *VOCABULARIES)
        | may(f"{ADD} {CHANGE}", "programmes.evidenceassessment")
        | may(CHANGE, "partners.unit"),
    ),
    Role(
        "Publisher",
        "Publishes and unpublishes records and their changes, and decides on evidence assessments of others.",
        CONTENT
        | {"vru_portal.publish"}
        | may(f"{CHANGE} {DELETE}", *VOCABULARIES)
        | may(f"{ADD} {CHANGE}", "programmes.assessmentdecision"),
    ),
    Role(
        "Finance",
        "Records where money comes from and where it goes: sources, allocations, payments, one by one or from files.",
        CONTENT
        | may(f"{VIEW} {ADD} {CHANGE}", *MONEY)
        | may(f"{VIEW} {ADD} {CHANGE} {DELETE}", "funding.contributor")
        | may(VIEW, "funding.publicationduty", "dutycolumn"),
    ),
    Role(
        "Declaration manager",
        "Prepares the declaration, invites bodies to sign it, and enters signatures on paper.",
        CONTENT
        | may(VIEW, *DECLARATIONS)
        | may(f"{ADD} {CHANGE}", "declarations.declaration")
        | may(f"{ADD} {CHANGE} {DELETE}", "declarations.declarationversion", "signatorybody", "papersignature")
        | may(f"{ADD} {CHANGE}", "declarations.invitation")
        | may(CHANGE, "declarations.mail", "signingrequest")
        | {
            "declarations.publish_declarationversion",
            "declarations.confirm_papersignature",
            "declarations.correct_entry",
        },
    ),
    Role(
        "Information governance",
        "Answers for personal data: says what the law wants said, discloses and erases what is held of a person.",
        CONTENT
        | may(VIEW, *DECLARATIONS)
        | may(f"{VIEW} {CHANGE}", "partners.legalnotice")
        | {"declarations.erase_entry"},
    ),
    Role("Auditor", "Sees everything, and changes nothing.", sees_everything=True),
    Role(
        ADMINISTRATOR,
        "Makes and deactivates accounts, gives roles, and sets what holds for the whole portal.",
        CONTENT
        | may(f"{VIEW} {ADD} {CHANGE}", "auth.user")
        | may(VIEW, "auth.group", "admin.logentry")
        | may(f"{VIEW} {CHANGE}", "partners.unit", "legalnotice", "funding.publicationduty")
        | may(f"{VIEW} {ADD} {CHANGE} {DELETE}", "funding.dutycolumn"),
    ),
)
BY_NAME = {role.name: role for role in ROLES}
# What nobody sees in the admin: secrets of second factors, sessions, and what libraries keep for themselves.
OURS = ("admin", "auth", "declarations", "events", "funding", "partners", "programmes", "vru_portal")


def put_in_place(using: str = "default", **options: Any) -> None:
    """Let the groups of the database be these roles: after each migration."""
    keys = {
        f"{app}.{name}": key
        for key, app, name in Permission.objects.using(using).values_list("pk", "content_type__app_label", "codename")
    }
    with transaction.atomic(using=using):
        for role in ROLES:
            group, _ = Group.objects.using(using).get_or_create(name=role.name)
            wanted = {keys[name] for name in granted(role, keys)}
            if set(group.permissions.values_list("pk", flat=True)) != wanted:
                group.permissions.set(wanted)


def granted(role: Role, known: Iterable[str]) -> set[str]:
    """Return which of these permissions a role has."""
    if role.sees_everything:
        return {name for name in known if name.partition(".")[0] in OURS and f".{VIEW}_" in name}
    return set(known) & role.permissions


def administrators() -> Any:
    """Return the accounts that can give roles: of those that are active."""
    from django.contrib.auth import get_user_model
    from django.db.models import Q

    may_give = Q(groups__name=ADMINISTRATOR) | Q(is_superuser=True)
    return get_user_model()._default_manager.filter(may_give, is_active=True).distinct()
