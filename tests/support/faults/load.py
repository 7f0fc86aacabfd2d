"""Four people who sign and two who record payments, while somebody else breaks things.

Who gets no answer, or is told to try again, presses the same button again, as people do. What was answered with a
receipt, or with the list of payments, is acknowledged.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count
from threading import Event, Lock, Thread
from typing import Any

from tests.support.faults.waiting import PATIENCE
from tests.support.processes.portal_process import Portal
from tests.support.races.signatories import RECEIPT, Answer, Visitor

SIGNING, PAYING = 4, 2
BETWEEN = 0.5  # seconds from one signature, or payment, to the next of the same client
BEFORE_AGAIN = 0.1  # seconds
ENOUGH_OF_AN_ANSWER, LAST_ERRORS = 300, 20  # characters, and lines of the log, that a failure shows
PAY = "/admin/funding/payment/add/"
NO_ANSWER = (OSError, HTTPException)


@dataclass
class Load:
    """What the clients have done so far."""

    portal: Portal
    prepared: dict[str, Any]
    signed: list[str] = field(default_factory=list)  # the names of the bodies whose signature was acknowledged
    paid: list[str] = field(default_factory=list)  # the references of the payments that were
    interrupted: int = 0  # how often a client got no answer, or was told to try again
    unexpected: list[Any] = field(default_factory=list)
    abandoned: bool = False  # nobody asks again any more

    def __post_init__(self) -> None:
        self.ended, self.lock, self.left = Event(), Lock(), list(self.prepared["secrets"].items())
        self.threads = [Thread(target=self.sign_on) for _ in range(SIGNING)]
        self.threads += [Thread(target=self.pay_on, args=(key,)) for key in self.prepared["sessions"]]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Let each client finish what it is at; not where the test has failed, and nothing may answer any more."""
        self.abandoned |= kind is not None
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def require_expected(self, *later: Portal) -> None:
        """Fail if a client got an answer that people cannot go on with; say what its portal, and later ones, logged."""
        if not self.unexpected:
            return
        logged = [line for one in (self.portal, *later) for line in one.printed.splitlines() if "level=error" in line]
        answers = [str(answer)[:ENOUGH_OF_AN_ANSWER] for answer in self.unexpected]
        raise AssertionError("\n".join([*answers, *logged[-LAST_ERRORS:]]))

    def until_answered(self, ask: Callable[[], Any]) -> Any:
        """Ask again until there is an answer; None if it is not one that people can go on with, or none comes."""
        began = time.monotonic()
        for attempt in count():
            try:
                answer = ask()
            except (*NO_ANSWER, AssertionError) as error:
                said = error.args[0] if isinstance(error, AssertionError) and error.args else None
                if isinstance(error, AssertionError) and not (isinstance(said, Answer) and said.status in (429, 503)):
                    self.unexpected.append(error)
                    return None
            else:
                if not isinstance(answer, Answer) or answer.status != 503:
                    return answer
            if self.abandoned:
                return None
            if time.monotonic() - began > PATIENCE:
                self.unexpected.append(f"nothing but refusals for {PATIENCE} seconds")
                return None
            self.interrupted += attempt == 0
            time.sleep(BEFORE_AGAIN)
        return None

    def sign_on(self) -> None:
        while not self.ended.is_set():
            with self.lock:
                if not self.left:
                    return
                body = self.left.pop()
            self.sign(*body)
            self.ended.wait(BETWEEN)

    def sign(self, name: str, secret: str) -> None:
        visitor = Visitor(self.portal.port)
        if (form := self.until_answered(lambda: visitor.fill_in(secret))) is None:
            return
        said = self.until_answered(lambda: visitor.press(form))
        if said is None:
            return
        if (said.status, said.leads_to) == (303, RECEIPT):
            self.signed.append(name)
        else:
            self.unexpected.append(said)

    def pay_on(self, session: str) -> None:
        officer = Visitor(self.portal.port, {"sessionid": session})
        for number in count(1):
            if self.ended.is_set():
                return
            self.pay(officer, f"{session[:6]}-{number}")
            self.ended.wait(BETWEEN)

    def pay(self, officer: Visitor, reference: str) -> None:
        if (page := self.until_answered(lambda: officer.page(PAY))) is None:
            return
        facts = {name: str(self.prepared[name]) for name in ("allocation", "paid_on")}
        sent = page.hidden | facts | {"reference": reference, "amount": "0.01"}
        said = self.until_answered(lambda: officer.send(PAY, sent))
        if said is None:
            return
        # The second press of a button whose answer was lost is told that the payment is recorded.
        if said.status == 302 or "A payment with this reference is already recorded" in said.text:
            self.paid.append(reference)
        else:
            self.unexpected.append(said)


def compared(loads: list[Load], found: dict[str, Any]) -> dict[str, int]:
    """What was acknowledged, and what of it the portal does not have, or has twice."""
    signed = [name for load in loads for name in load.signed]
    paid = [reference for load in loads for reference in load.paid]
    here, money = Counter(found["signed"]), Counter(found["paid"])
    return {
        "acknowledged": len(signed) + len(paid),
        "lost": sum(not here[name] for name in signed) + sum(not money[name] for name in paid),
        "doubled": sum(number > 1 for counts in (here, money) for number in counts.values()),
    }
