"""Whether reading waits for writers, on a database of its own: `python -m tests.reading`.

Asks for every address while another process holds what a writer holds: on SQLite the write lock, on PostgreSQL a lock
on each table that lets others read and nothing else. Whoever asks for a lock meanwhile is refused at once, which is a
fault of the page. Every fourth address is asked undisturbed first, and again with HEAD: answers and times must agree.

Prints as JSON what went wrong, how long both took, and what the control found: pages of one kind, made as they must
not be made, in a transaction that writes and is rolled back.
"""

import json
import logging
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from multiprocessing.connection import Connection
from typing import Any

import django
from django.conf import settings

SAMPLE = 4  # of so many addresses one is asked undisturbed too


def main() -> None:
    """Walk, and print what went wrong."""
    from tests.factories import with_history
    from vru_portal import drafts

    logging.disable(logging.CRITICAL)
    settings.SECOND_FACTOR_REQUIRED = False
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with with_history():
        people, addresses = furnished()
    sample = [pair for pair in addresses[::SAMPLE] if pair[0] != "signatory"]  # whose answers depend on one another
    walk("GET", people, addresses[:20])  # what is looked up once for all
    undisturbed, seconds = walk("GET", people, sample)
    with somebody_writing():
        beside, seconds_beside = walk("GET", people, sample)
        heads, _ = walk("HEAD", people, sample)
        answers, _ = walk("GET", people, addresses)
        as_it_must_not_be: Any = lambda root, published=False: drafts.editing_proposed(root)  # noqa: E731
        drafts.viewing_proposed = as_it_must_not_be
        control, _ = walk("GET", people, [pair for pair in addresses if pair[1].startswith("/admin/events/event/")])
    wrong = [f"{address} by {who}: {status}" for (who, address), status in answers.items() if refused(status)]
    for method, found in (("GET", beside), ("HEAD", heads)):
        wrong += [f"{method} {pair}: {undisturbed[pair]}, then {found[pair]}" for pair in sample
                  if found[pair] != undisturbed[pair]]  # fmt: skip
    print(json.dumps({
        "asked": len(answers), "wrong": wrong, "seconds": seconds, "seconds_beside": seconds_beside,
        "control": sorted(address for (_, address), status in control.items() if refused(status)),
    }))  # fmt: skip


def refused(status: int) -> bool:
    """Whether an answer is that of a page which could not have what it asked for."""
    return status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS


def walk(method: str, people: dict[str, Any], addresses: list[tuple[str, str]]) -> tuple[dict[Any, int], float]:
    """Return the status of each answer, all of which is read, and how long that took.

    A page that was refused a lock counts as a fault, also where it has answered all the same.
    """
    from django.db import OperationalError, connection

    refusals: list[str] = []

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        try:
            return execute(sql, *arguments)
        except OperationalError:
            refusals.append(sql)
            raise

    found, began = {}, time.perf_counter()
    with connection.execute_wrapper(note):
        for who, address in addresses:
            refusals.clear()
            response = people[who].generic(method, address)
            if response.streaming:
                b"".join(response.streaming_content)
            response.close()
            found[who, address] = HTTPStatus.SERVICE_UNAVAILABLE if refusals else response.status_code
    return found, time.perf_counter() - began


# Who holds what a writer holds ----------------------------------------------------------------------------------------


@contextmanager
def somebody_writing() -> Iterator[None]:
    """Let another process write, and not commit, until the end of the block; wait for it no longer than a moment."""
    from django.db import connection

    patience: dict[str, object] = (
        {"timeout": 0.05} if connection.vendor == "sqlite" else {"options": "-c lock_timeout=50"}
    )
    connection.settings_dict["OPTIONS"] |= patience
    connection.close()  # the next one is opened with them
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    writer = multiprocessing.get_context("spawn").Process(target=write, args=(theirs,), daemon=True)
    writer.start()
    assert ours.recv() == "writing"
    try:
        yield
    finally:
        ours.send("enough")
        writer.join()


def write(end: Connection) -> None:
    """Hold the lock until told that it is enough."""
    django.setup()
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE partners_unit SET slogan = 'Being written.'")
        else:
            tables = ", ".join(f'"{name}"' for name in connection.introspection.table_names())
            cursor.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        end.send("writing")
        end.recv()
        transaction.set_rollback(True)


# What there is to read ------------------------------------------------------------------------------------------------


def furnished() -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Fill the database; return a browser for each person, and who asks for what."""
    from django.apps import apps
    from django.contrib.auth import get_user_model
    from django.test import Client

    from events.declarations.choices import Purpose
    from tests.factories import furnish
    from tests.second_factors import PASSWORD, give_app
    from tests.signing import invite, link, open_signing, sign
    from tests.vru_portal.walking import pages, public_addresses, written_out

    furnish(1)
    open_signing(declaration=apps.get_model("declarations.declaration").objects.first(), text="We read together.")
    invited, signed = invite("Reader Trust"), sign(invite("Signed Trust", "signed@body.example"))
    ada = get_user_model().objects.create_superuser("ada", password=PASSWORD)
    give_app(ada)
    rows = changed_and_drafted(ada)
    staff, newcomer, visitor, signatory = (
        Client(raise_request_exception=False, headers={"host": "localhost"}) for _ in range(4)
    )
    staff.force_login(ada)
    newcomer.force_login(get_user_model().objects.create_superuser("bea"))  # without a second factor yet
    # a message that the next page shows
    staff.post("/admin/partners/sector/add/", {"name": "Rangers", "slug": "rangers"})
    addresses = [("visitor", address) for address in public_addresses().values()]
    addresses += [
        ("visitor", "/nope/"),
        ("visitor", "/initiatives.csv"),
        ("visitor", "/admin/"),
        ("visitor", "/readyz"),
    ]
    addresses += [("staff", address) for address in public_addresses().values() if address.startswith("/admin/")]
    account = "/admin/account/second-factor"
    addresses += [("newcomer", f"{account}/{page}/") for page in ("app", "passkeys/add")]
    for model, _, pattern in pages():
        addresses += [("staff", written_out(pattern, row)) for row in rows.get(model, [None])]
    addresses += [("staff", f"/admin/{page}") for page in ("search/?q=a", "link/?q=a", "jsi18n/")]
    secrets = [
        invited.secret,
        link(signed.invitation, Purpose.RECEIPT),
        link(signed.invitation, Purpose.WITHDRAW),
        "x" * 43,
    ]
    for secret in secrets:
        addresses.append(("signatory", f"/declaration/sign/{secret}/"))
        addresses += [("signatory", address) for address in public_addresses().values() if "/sign/" in address]
    return {"staff": staff, "newcomer": newcomer, "visitor": visitor, "signatory": signatory}, list(
        dict.fromkeys(addresses)
    )


def changed_and_drafted(by: Any) -> dict[str, list[Any]]:
    """Let a change wait for every public record, and have drafts; return some rows of each model."""
    from django.apps import apps

    from tests.factories import EventFactory, InitiativeFactory, PersonFactory, StoryFactory
    from tests.vru_portal.canaries import edit_everything
    from vru_portal.models import FileJob, Pending

    edit_everything(by, most=1)
    drafts = [factory(state="draft") for factory in (EventFactory, InitiativeFactory, PersonFactory, StoryFactory)]
    FileJob.objects.create(resource="funding.resources.PaymentResource", name="x.csv", stored="x", by=by)
    assert Pending.objects.count() > 12
    firsts = (model._default_manager.order_by("pk").first() for model in apps.get_models())
    found = {row._meta.label_lower: [row] for row in firsts if row}
    for row in (*drafts, reordered(by)):
        found[row._meta.label_lower].append(row)
    return found


def reordered(by: Any) -> Any:
    """Return an event whose waiting change swaps items, removes one with who appears in it, and adds another."""
    from tests.factories import AgendaItemFactory, AppearanceFactory
    from vru_portal import drafts

    gone, appearance = AppearanceFactory().item, AppearanceFactory()
    event, first, second = gone.event, AgendaItemFactory(event=gone.event), AgendaItemFactory(event=gone.event)

    def edit() -> None:
        first.position, second.position = 101, first.position
        first.save()
        second.save()
        gone.delete()
        appearance.pk = None
        appearance.item = AgendaItemFactory(event=event, source=event.source)
        appearance.save()

    assert drafts.propose(event, by=by, edit=edit)
    return event


if __name__ == "__main__":
    django.setup()
    main()
