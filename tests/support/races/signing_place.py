"""What a served portal needs before anybody signs in it, made in a process of its own.

`python -m tests.support.races.signing_place invite N` opens signing, invites N bodies and prints the secrets of their
links; `links N` prints N links of one body; `sign N` signs for N bodies and prints the numbers of their entries;
`erase N` erases the personal data of one and prints the number of the entry that says so; `publish` puts another
version in force and prints its hash; `count` prints what the register holds.
"""

import json
import sys
from typing import Any

import django


def main() -> None:
    """Do it, and print the result as JSON."""
    action, *numbers = sys.argv[1:]
    print(json.dumps(ACTIONS[action](*map(int, numbers))))


def opened() -> Any:
    """Return the version in force; open signing where it is not, in a portal that has a unit."""
    from events.declarations.rules import availability
    from partners.models import Unit
    from tests.support.factories import UnitFactory
    from tests.support.signing import open_signing

    if not Unit.objects.exists():
        UnitFactory()
    return availability.version_in_force() or open_signing()


def invite(number: int) -> list[str]:
    """Invite so many bodies."""
    from events.declarations.models import SignatoryBody
    from tests.support.signing import invite

    opened()
    known = SignatoryBody.objects.count()
    return [invite(f"Body {known + n}", f"post{known + n}@body.example").secret for n in range(number)]


def links(number: int) -> list[str]:
    """Invite one body by so many mails."""
    from tests.support.signing import invite, new_link

    opened()
    invited = invite("The body with many mails")
    return [invited.secret, *(new_link(invited.invitation) for _ in range(number - 1))]


def sign(number: int) -> list[int]:
    """Sign for so many new bodies."""
    from events.declarations.models import SignatoryBody
    from tests.support.signing import invite_and_sign

    opened()
    known = SignatoryBody.objects.count()
    return [invite_and_sign(f"Body {known + n}", f"post{known + n}@body.example").seq for n in range(number)]


def erase(number: int) -> int:
    """Erase the personal data of an entry."""
    from events.declarations.models import Entry
    from events.declarations.rules import erasure

    erased = erasure.erase_personal_data(entry=Entry.objects.get(pk=number))
    assert erased is not None
    return erased.seq


def publish() -> str:
    """Put another version in force."""
    from events.declarations.rules import versions
    from tests.support.factories import VersionFactory

    before = opened()
    text = f"We keep the paths, {before.number} times over."
    version = VersionFactory(declaration=before.declaration, source=before.source, text=text)
    versions.publish_version(by=None, version=version)
    return str(version.sha256)


def count() -> dict[str, Any]:
    """Return how many entries, standing signatures and signed invitations there are, and which entry is whose."""
    from events.declarations.choices import InvitationState
    from events.declarations.models import Entry, Invitation, LiveSignature
    from events.declarations.register import audit

    signed_invitations = Invitation.objects.filter(state=InvitationState.SIGNED)
    return {
        "entries": Entry.objects.count(),
        "live": LiveSignature.objects.count(),
        "signed": signed_invitations.count(),
        "bodies": Entry.objects.signatures().values("body").distinct().count(),
        "faults": list(audit.find_faults()),
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
