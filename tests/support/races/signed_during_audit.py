"""Somebody signs while the register is checked: `python -m tests.support.races.signed_during_audit`.

Another process appends an entry after the check has read how long the register is. Prints as JSON the faults found, and
how many entries there are afterwards.
"""

import json
import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

import django


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("fork").Process(target=sign_when_told, args=(theirs,), daemon=True).start()

    from events.declarations.models import Entry
    from events.declarations.register import audit
    from tests.support.signing import invite_and_sign, open_signing

    open_signing()
    invite_and_sign("First", "post@first.example")
    patched: Any = audit
    parse_keys = audit.parse_keys

    def _parse_keys(vkeys: Any) -> Any:  # called after the head is read, and before the entries are
        patched.parse_keys = parse_keys  # somebody signs once
        ours.send("sign")
        assert ours.recv() == "signed"
        return parse_keys(vkeys)

    patched.parse_keys = _parse_keys
    faults = list(audit.find_faults())
    print(json.dumps({"faults": faults, "entries": Entry.objects.count()}))


def sign_when_told(end: Connection) -> None:
    from tests.support.signing import invite_and_sign

    end.recv()
    invite_and_sign("Second", "post@second.example")
    end.send("signed")


if __name__ == "__main__":
    django.setup()
    main()
