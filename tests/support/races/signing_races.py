"""Signatories who press the button at the same moment, each in a process of its own.

`python -m tests.support.races.signing_races MODE RACE:ROUNDS …`. Modes: `all` as the portal runs; `nothing`, the
control, without triggers, the log's lock and transactions, and with a barrier between reading and writing: here the
writers must be able to break the rules, or the race is none. Prints as JSON how often each outcome came, how often a
forbidden one ("broken"), and what is wrong with the register afterwards.
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
    mode, races = sys.argv[1], [word.split(":") for word in sys.argv[2:]]
    context = multiprocessing.get_context("fork")
    barriers = {number: context.Barrier(number) for number in {WRITERS[name] for name, _ in races}}
    ends = [context.Pipe() for _ in range(MOST)]
    for _, end in ends:
        context.Process(target=write, args=(end, barriers), daemon=True).start()

    from django.db import connection

    from events.declarations.register import audit
    from tests.support.signing import open_signing
    from vru_portal.ledger.append_only.database import DatabaseTriggers

    open_signing()
    if mode == "nothing":
        DatabaseTriggers(connection).remove()
    results: dict[str, Any] = {}
    for race, rounds in races:
        counts: Counter[str] = Counter()
        for _ in range(int(rounds)):
            tasks, judge = RACES[race]()
            for (end, _), task in zip(ends, tasks, strict=False):
                end.send((mode, len(tasks), *task))
            outcomes: list[Outcome] = [end.recv() for (end, _), _ in zip(ends, tasks, strict=False)]
            counts.update(outcome for outcome, _ in outcomes)
            counts["broken"] += judge(outcomes)
        results[race] = counts
    for end, _ in ends:
        end.send(None)
    print(json.dumps(results | {"faults": list(audit.find_faults())}))


def write(end: Connection, barriers: dict[int, Barrier]) -> None:
    """Take tasks until None comes; perform each at the same moment as the other writers."""
    from django.core.exceptions import ValidationError

    from events.declarations.models import Head
    from events.declarations.register import log
    from events.declarations.rules import availability
    from vru_portal.links.answering import InvalidLink

    patched_log: Any = log
    lock, append = log.lock_head, log.append_entry
    while task := end.recv():
        mode, writers, action, *arguments = task
        barrier, unprotected = barriers[writers], mode == "nothing"
        patched_log.lock_head = Head.objects.get if unprotected else lock
        patched_log.append_entry = with_barrier_before(barrier, append) if unprotected else append
        meet(barrier)
        try:
            outcome = ACTIONS[action](unprotected, barrier, *arguments)
        except (InvalidLink, availability.StaleText, ValidationError) as error:
            outcome = type(error).__name__, None
        except Exception as error:
            outcome = f"{type(error).__name__} {str(error)[:60]}", None
        end.send((f"{action}: {outcome[0]}", outcome[1]))


def meet(barrier: Barrier) -> None:
    """Wait until all writers are here, or one of them cannot come."""
    with suppress(BrokenBarrierError):
        barrier.wait(SECONDS_TO_MEET)


def with_barrier_before(barrier: Barrier, append: Callable[..., Any]) -> Callable[..., Any]:
    """An `append_entry` before which each writer reads where the log ends, and all wait for each other."""

    def _append(**stated: Any) -> Any:
        from events.declarations.models import Head

        stated["head"] = Head.objects.get()
        meet(barrier)
        return append(**stated)

    return _append


# What a writer does ---------------------------------------------------------------------------------------------------


def sign(unprotected: bool, barrier: Barrier, secret: str, checked: str, text: str) -> Outcome:
    """Sign. Returns number and leaf of the entry, and the hash of the version in force before the commit."""
    from django.db import transaction

    from events.declarations.rules import signing as signing_rules

    asked = {"secret": secret, "checked": checked, "text_sha256": text}
    if unprotected:  # each statement commits by itself, so that all writers reach the barrier
        entry = signing_rules.sign.__wrapped__(**asked)  # type: ignore[attr-defined]
        return "done", (entry.seq, entry.leaf, in_force())
    with transaction.atomic():
        entry = signing_rules.sign(**asked)
        return "done", (entry.seq, entry.leaf, in_force())


def in_force() -> str:
    from events.declarations.rules import availability

    version = availability.version_in_force()
    return version.sha256 if version else ""


def publish(unprotected: bool, barrier: Barrier, version: int) -> Outcome:
    from events.declarations.models import DeclarationVersion
    from events.declarations.rules import versions

    draft = DeclarationVersion.objects.get(pk=version)
    if unprotected:
        time.sleep(SECONDS_TO_READ)
        versions.publish_version.__wrapped__(by=None, version=draft)  # type: ignore[attr-defined]
        meet(barrier)
    else:
        versions.publish_version(by=None, version=draft)
    return "done", None


def confirm(unprotected: bool, barrier: Barrier, paper: int, by: int) -> Outcome:
    from django.contrib.auth import get_user_model

    from events.declarations.models import PaperSignature
    from events.declarations.rules import paper_signatures

    entry = paper_signatures.confirm_paper_signature(by=get_user_model()(pk=by), paper=PaperSignature(pk=paper))
    return "done", (entry.seq, entry.leaf, in_force())


def revoke(unprotected: bool, barrier: Barrier, invitation: int) -> Outcome:
    from events.declarations.models import Invitation
    from events.declarations.rules import invitations

    invitations.revoke_invitation(by=None, invitation=Invitation(pk=invitation))
    return "done", None


ACTIONS: dict[str, Callable[..., Outcome]] = {"sign": sign, "publish": publish, "confirm": confirm, "revoke": revoke}


# The races: each returns a task for every writer, and a function that says whether the outcomes break a rule ----------


def prepared_invitation() -> Any:
    """A newly invited organisation that has filled in who signs, and the form that its last button sends."""
    from events.declarations.models import SignatoryBody
    from events.declarations.rules import signing as signing_rules
    from tests.support import signing

    number = SignatoryBody.objects.count()
    invited = signing.invite(f"Organisation {number}", f"post{number}@organisation.example")
    checked = signing_rules.Signatory.from_preparation(signing.prepare(invited)).fingerprint
    return invited, (checked, in_force())


def signatures_of(organisation: Any) -> list[tuple[int, str]]:
    """The signatures of an organisation in the register."""
    return list(organisation.entries.filter(kind="signed").values_list("seq", "leaf"))


def same_button() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """One button is pressed four times at once: one entry, and four times its receipt."""
    invited, rest = prepared_invitation()
    tasks: Tasks = [("sign", invited.secret, *rest)] * 4

    def judge(outcomes: list[Outcome]) -> bool:
        receipts = [tuple(receipt[:2]) for _, receipt in outcomes if receipt]
        return receipts != signatures_of(invited.invitation.body) * 4

    return tasks, judge


def many_links() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """One organisation was mailed ten links, and all ten are used at once: one entry."""
    from tests.support.signing import new_link

    invited, rest = prepared_invitation()
    secrets = [invited.secret, *(new_link(invited.invitation) for _ in range(MOST - 1))]
    tasks: Tasks = [("sign", secret, *rest) for secret in secrets]

    def judge(outcomes: list[Outcome]) -> bool:
        receipts = [tuple(receipt[:2]) for _, receipt in outcomes if receipt]
        return receipts != signatures_of(invited.invitation.body) * MOST

    return tasks, judge


def paper_and_link() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """A signature on paper is confirmed by two colleagues while the organisation signs by two links: one entry."""
    from tests.support.factories import PaperSignatureFactory, UserFactory
    from tests.support.signing import new_link

    invited, rest = prepared_invitation()
    body, version = invited.invitation.body, invited.invitation.version
    paper = PaperSignatureFactory(body=body, version=version)
    tasks: Tasks = [("confirm", paper.pk, UserFactory().pk) for _ in range(2)]
    tasks += [("sign", secret, *rest) for secret in (invited.secret, new_link(invited.invitation))]
    return tasks, lambda outcomes: len(signatures_of(body)) != 1


def published_meanwhile() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """A version is put in force while nine forms of the one before are sent: nobody signs the earlier version then."""
    from events.declarations.rules import availability
    from tests.support.factories import VersionFactory

    before = availability.version_in_force()
    assert before is not None
    draft = VersionFactory(declaration=before.declaration, text=f"We keep {before.number} paths.")
    tasks: Tasks = []
    for _ in range(MOST - 1):
        invited, rest = prepared_invitation()
        tasks.append(("sign", invited.secret, *rest))
    tasks.insert(len(tasks) // 2, ("publish", draft.pk))

    def judge(outcomes: list[Outcome]) -> bool:
        signed = [(json.loads(leaf)["text_sha256"], current) for _, (_, leaf, current) in filter(has_receipt, outcomes)]
        return any(text != before.sha256 or current != before.sha256 for text, current in signed)

    return tasks, judge


def has_receipt(outcome: Outcome) -> bool:
    """Whether a signature came of it."""
    return bool(outcome[1])


def revoked_meanwhile() -> tuple[Tasks, Callable[[list[Outcome]], bool]]:
    """An invitation is revoked while its button is pressed: whichever is first, the other is told so."""
    invited, rest = prepared_invitation()
    tasks: Tasks = [("revoke", invited.invitation.pk), ("sign", invited.secret, *rest)] * 2

    def judge(outcomes: list[Outcome]) -> bool:
        invited.invitation.refresh_from_db()
        signed = bool(signatures_of(invited.invitation.body))
        return signed != (invited.invitation.state == "signed") or signed != any(map(has_receipt, outcomes))

    return tasks, judge


RACES = {
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
