"""What a served portal needs before anybody signs in it, made in a process of its own.

`python -m tests.signing_place invite N` opens signing, invites so many bodies and prints the secrets of their links;
`links N` prints so many of one body; `sign N` signs for so many and prints the numbers of their entries; `erase N`
erases the personal data of one and prints the number of the entry that says so; `publish` puts another wording in
force and prints its hash; `count` prints what the register holds.
"""

import json
import sys
from typing import Any

import django


def main() -> None:
    """Do it, and print what came of it as JSON."""
    action, *numbers = sys.argv[1:]
    print(json.dumps(ACTIONS[action](*map(int, numbers))))


def opened() -> Any:
    """Return the wording in force; open signing where it is not, in a portal that has a unit."""
    from events.declarations import rules
    from partners.models import Unit
    from tests.factories import UnitFactory
    from tests.signing import open_signing

    if not Unit.objects.exists():
        UnitFactory()
    return rules.in_force() or open_signing()


def invite(number: int) -> list[str]:
    """Invite so many bodies."""
    from events.declarations.models import SignatoryBody
    from tests.signing import invite

    opened()
    known = SignatoryBody.objects.count()
    return [invite(f"Body {known + n}", f"post{known + n}@body.example").secret for n in range(number)]


def links(number: int) -> list[str]:
    """Invite one body by so many mails."""
    from tests.signing import invite, link

    opened()
    invited = invite("The body with many mails")
    return [invited.secret, *(link(invited.invitation) for _ in range(number - 1))]


def sign(number: int) -> list[int]:
    """Sign for so many new bodies."""
    from events.declarations.models import SignatoryBody
    from tests.signing import signed

    opened()
    known = SignatoryBody.objects.count()
    return [signed(f"Body {known + n}", f"post{known + n}@body.example").seq for n in range(number)]


def erase(number: int) -> int:
    """Erase the personal data of an entry."""
    from events.declarations import rules
    from events.declarations.models import Entry

    erased = rules.erase(entry=Entry.objects.get(pk=number))
    assert erased is not None
    return erased.seq


def publish() -> str:
    """Put another wording in force."""
    from events.declarations import rules
    from tests.factories import VersionFactory

    before = opened()
    text = f"We keep the paths, {before.number} times over."
    version = VersionFactory(declaration=before.declaration, source=before.source, text=text)
    rules.publish(by=None, version=version)
    return str(version.sha256)


def count() -> dict[str, Any]:
    """Return how many entries, standing signatures and signed invitations there are, and which entry is whose."""
    from events.declarations.choices import InvitationState
    from events.declarations.models import Entry, Invitation, LiveSignature
    from events.declarations.register import audit

    signed = Invitation.objects.filter(state=InvitationState.SIGNED)
    return {
        "entries": Entry.objects.count(),
        "live": LiveSignature.objects.count(),
        "signed": signed.count(),
        "bodies": Entry.objects.signatures().values("body").distinct().count(),
        "faults": list(audit.faults()),
    }


ACTIONS: dict[str, Any] = {
    "invite": invite,
    "links": links,
    "sign": sign,
    "erase": erase,
    "publish": publish,
    "count": count,
}

if __name__ == "__main__":
    django.setup()
    main()
