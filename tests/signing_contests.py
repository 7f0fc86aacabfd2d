"""Signatories who press the button at the same moment, each in a process of its own.

`python -m tests.signing_contests MODE CONTEST:ROUNDS …`. Modes: `all` as the portal runs; `nothing` without guards, the
log's lock and transactions, and with a barrier between reading and writing: it shows that the race is one. Prints as
JSON how often each outcome came, how often one came that must not, and what is wrong with the register afterwards.
"""

import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

import django

SECONDS_TO_MEET = 20
SECONDS_TO_READ = 1  # the others have read by then what is in force, and wait
MOST = 10
Tasks = list[tuple[Any, ...]]
Outcome = tuple[str, Any]


def main() -> None:
    """Run the contests and print what came of them."""
    mode, contests = sys.argv[1], [word.split(":") for word in sys.argv[2:]]
    context = multiprocessing.get_context("fork")
    barriers = {number: context.Barrier(number) for number in {WRITERS[name] for name, _ in contests}}
    ends = [context.Pipe() for _ in range(MOST)]
    for _, end in ends:
        context.Process(target=write, args=(end, barriers), daemon=True).start()

    from django.db import connection

    from events.declarations.register import audit
    from tests.signing import open_signing
    from vru_portal.append_only import Guards

    open_signing()
    if mode == "nothing":
        Guards(connection).remove()
    found: dict[str, Any] = {}
    for contest, rounds in contests:
        counts: Counter[str] = Counter()
        for _ in range(int(rounds)):
            tasks, judge = CONTESTS[contest]()
            for (end, _), task in zip(ends, tasks, strict=False):
                end.send((mode, len(tasks), *task))
            outcomes: list[Outcome] = [end.recv() for (end, _), _ in zip(ends, tasks, strict=False)]
            counts.update(said for said, _ in outcomes)
            counts["broken"] += judge(outcomes)
        found[contest] = counts
    for end, _ in ends:
        end.send(None)
    print(json.dumps(found | {"faults": list(audit.faults())}))


def write(end: Connection, barriers: dict[int, Barrier]) -> None:
    """Take tasks until there are none; do each at the same moment as the others."""
    from django.core.exceptions import ValidationError

    from events.declarations import rules
    from events.declarations.models import Head
    from events.declarations.register import log

    doors: Any = log  # whose parts are replaced
    lock, append = log.lock, log.append
    while task := end.recv():
        mode, writers, action, *arguments = task
        barrier, unguarded = barriers[writers], mode == "nothing"
        doors.lock = Head.objects.get if unguarded else lock
        doors.append = meeting(barrier, append) if unguarded else append
        meet(barrier)
        try:
            outcome = ACTIONS[action](unguarded, barrier, *arguments)
        except (rules.InvalidLink, rules.StaleText, ValidationError) as error:
            outcome = type(error).__name__, None
        except Exception as error:
            outcome = f"{type(error).__name__} {str(error)[:60]}", None
        end.send((f"{action}: {outcome[0]}", outcome[1]))


def meet(barrier: Barrier) -> None:
    """Wait until everybody is here, or one of them cannot come."""
    with suppress(BrokenBarrierError):
        barrier.wait(SECONDS_TO_MEET)


def meeting(barrier: Barrier, append: Callable[..., Any]) -> Callable[..., Any]:
    """Return an `append` before which everybody waits for everybody else, and reads where the log ends."""

    def _append(**stated: Any) -> Any:
        from events.declarations.models import Head

        stated["head"] = Head.objects.get()
        meet(barrier)
        return append(**stated)

    return _append


# What a writer does ---------------------------------------------------------------------------------------------------


def sign(unguarded: bool, barrier: Barrier, secret: str, checked: str, text: str) -> Outcome:
    """Sign; return the receipt, and whether another wording was in force before that was committed."""
    from django.db import transaction

    from events.declarations import rules

    asked = {"secret": secret, "checked": checked, "text_sha256": text}
    if unguarded:  # each statement commits by itself, so that all come to the barrier
        entry = rules.sign.__wrapped__(**asked)  # type: ignore[attr-defined]
        return "done", (entry.seq, entry.leaf, in_force())
    with transaction.atomic():
        entry = rules.sign(**asked)
        return "done", (entry.seq, entry.leaf, in_force())


def in_force() -> str:
    """Return the hash of the wording in force."""
    from events.declarations import rules

    version = rules.in_force()
    return version.sha256 if version else ""


def publish(unguarded: bool, barrier: Barrier, version: int) -> Outcome:
    """Put a wording in force."""
    from events.declarations import rules
    from events.declarations.models import DeclarationVersion

    draft = DeclarationVersion.objects.get(pk=version)
    if unguarded:
        time.sleep(SECONDS_TO_READ)
        rules.publish.__wrapped__(by=None, version=draft)  # type: ignore[attr-defined]
        meet(barrier)
    else:
        rules.publish(by=None, version=draft)
    return "done", None


def confirm(unguarded: bool, barrier: Barrier, paper: int, by: int) -> Outcome:
    """Confirm a signature on paper."""
    from django.contrib.auth import get_user_model

    from events.declarations import rules
    from events.declarations.models import PaperSignature

    entry = rules.confirm_paper(by=get_user_model()(pk=by), paper=PaperSignature(pk=paper))
    return "done", (entry.seq, entry.leaf, in_force())


def revoke(unguarded: bool, barrier: Barrier, invitation: int) -> Outcome:
    """Revoke an invitation."""
    from events.declarations import rules
    from events.declarations.models import Invitation

    rules.revoke(by=None, invitation=Invitation(pk=invitation))
    return "done", None


ACTIONS: dict[str, Callable[..., Outcome]] = {"sign": sign, "publish": publish, "confirm": confirm, "revoke": revoke}


# What is raced for ----------------------------------------------------------------------------------------------------


def prepared() -> Any:
    """Return a new body that is invited and has filled in who signs, and what its button sends."""
    from events.declarations import rules
    from events.declarations.models import SignatoryBody
    from tests import signing

    number = SignatoryBody.objects.count()
    invited = signing.invite(f"Body {number}", f"post{number}@body.example")
    checked = rules.Signatory.of(signing.prepare(invited)).fingerprint
    return invited, (checked, in_force())


def entries_of(body: Any) -> list[tuple[int, str]]:
    """Return the signatures of a body in the register."""
    return list(body.entries.filter(kind="signed").values_list("seq", "leaf"))


def same_button() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """One button is pressed four times at once: one entry, and four times its receipt."""
    invited, rest = prepared()
    tasks: Tasks = [("sign", invited.secret, *rest)] * 4

    def judge(outcomes: list[Outcome]) -> bool:
        receipts = [tuple(receipt[:2]) for _, receipt in outcomes if receipt]
        return receipts != entries_of(invited.invitation.body) * 4

    return tasks, judge


def many_links() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """One body was mailed ten links, and all ten are used at once: one entry."""
    from tests.signing import link

    invited, rest = prepared()
    secrets = [invited.secret, *(link(invited.invitation) for _ in range(MOST - 1))]
    tasks: Tasks = [("sign", secret, *rest) for secret in secrets]

    def judge(outcomes: list[Outcome]) -> bool:
        receipts = [tuple(receipt[:2]) for _, receipt in outcomes if receipt]
        return receipts != entries_of(invited.invitation.body) * MOST

    return tasks, judge


def paper_and_link() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """A signature on paper is confirmed by two colleagues while the body signs by two links: one entry."""
    from tests.factories import PaperSignatureFactory, UserFactory
    from tests.signing import link

    invited, rest = prepared()
    body, version = invited.invitation.body, invited.invitation.version
    paper = PaperSignatureFactory(body=body, version=version)
    tasks: Tasks = [("confirm", paper.pk, UserFactory().pk) for _ in range(2)]
    tasks += [("sign", secret, *rest) for secret in (invited.secret, link(invited.invitation))]
    return tasks, lambda outcomes: len(entries_of(body)) != 1


def published_meanwhile() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """A wording is put in force while nine forms of the one before are sent: none signs what is in force no more."""
    from events.declarations import rules
    from tests.factories import VersionFactory

    before = rules.in_force()
    assert before is not None
    draft = VersionFactory(declaration=before.declaration, text=f"We keep {before.number} paths.")
    tasks: Tasks = []
    for _ in range(MOST - 1):
        invited, rest = prepared()
        tasks.append(("sign", invited.secret, *rest))
    tasks.insert(len(tasks) // 2, ("publish", draft.pk))

    def judge(outcomes: list[Outcome]) -> bool:
        signed = [(json.loads(leaf)["text_sha256"], current) for _, (_, leaf, current) in filter(last, outcomes)]
        return any(text != before.sha256 or current != before.sha256 for text, current in signed)

    return tasks, judge


def last(outcome: Outcome) -> bool:
    """Whether it comes with a receipt."""
    return bool(outcome[1])


def revoked_meanwhile() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """An invitation is revoked while its button is pressed: whichever is first, the other is told so."""
    invited, rest = prepared()
    tasks: Tasks = [("revoke", invited.invitation.pk), ("sign", invited.secret, *rest)] * 2

    def judge(outcomes: list[Outcome]) -> bool:
        invited.invitation.refresh_from_db()
        signed = bool(entries_of(invited.invitation.body))
        return signed != (invited.invitation.state == "signed") or signed != any(map(last, outcomes))

    return tasks, judge


CONTESTS = {
    "same-button": same_button,
    "many-links": many_links,
    "paper-and-link": paper_and_link,
    "published-meanwhile": published_meanwhile,
    "revoked-meanwhile": revoked_meanwhile,
}
WRITERS = {
    "same-button": 4,
    "many-links": MOST,
    "paper-and-link": 4,
    "published-meanwhile": MOST,
    "revoked-meanwhile": 4,
}

if __name__ == "__main__":
    django.setup()
    main()
