"""Whether reading waits for writers, on a database of its own: `python -m tests.support.processes.reading`.

Asks for every address while another process holds what a writer holds: on SQLite the write lock, on PostgreSQL a lock
on each table that lets others read and nothing else. Whoever asks for a lock meanwhile is refused at once, which is a
fault of the page. Every fourth address is asked undisturbed first, and again with HEAD: answers must agree.

Prints as JSON what went wrong, and what the control found: pages of one kind, made as they must not be made, in a
transaction that writes and is rolled back.
"""

import json
import logging
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from multiprocessing.connection import Connection
from typing import Any

import django
from django.conf import settings

SAMPLE = 4  # of so many addresses one is asked undisturbed too


def main() -> None:
    from django.db import connection

    from tests.support.factories import with_history
    from vru_portal.publishing import pending_changes

    logging.disable(logging.CRITICAL)
    connection.settings_dict["CONN_MAX_AGE"] = None  # reopened beside the writer, not for each page
    settings.SECOND_FACTOR_REQUIRED = False
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with with_history():
        people, addresses = fill_database()
    sample = [pair for pair in addresses[::SAMPLE] if pair[0] != "signatory"]  # whose answers depend on one another
    request_all("GET", people, addresses[:20])  # what is looked up once for all
    undisturbed = request_all("GET", people, sample)
    with concurrent_writer():
        heads = request_all("HEAD", people, sample)
        answers = request_all("GET", people, addresses)
        as_it_must_not_be: Any = lambda root, as_published=False: pending_changes.editing_with_pending_change(root)  # noqa: E731
        pending_changes.viewing_with_pending_change = as_it_must_not_be
        control = request_all("GET", people, [pair for pair in addresses if pair[1].startswith("/admin/events/event/")])
    wrong = [f"{address} by {who}: {status}" for (who, address), status in answers.items() if is_error(status)]
    for method, found in (("GET", answers), ("HEAD", heads)):
        wrong += [f"{method} {pair}: {undisturbed[pair]}, then {found[pair]}" for pair in sample
                  if found[pair] != undisturbed[pair]]  # fmt: skip
    print(json.dumps({
        "asked": len(answers), "wrong": wrong,
        "control": sorted(address for (_, address), status in control.items() if is_error(status)),
    }))  # fmt: skip


def is_error(status: int) -> bool:
    """Whether an answer is that of a page which could not get a lock."""
    return status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS


def request_all(method: str, people: dict[str, Any], addresses: list[tuple[str, str]]) -> dict[Any, int]:
    """Return the status of each answer, all of which is read.

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

    found = {}
    with connection.execute_wrapper(note):
        for who, address in addresses:
            refusals.clear()
            response = people[who].generic(method, address)
            if response.streaming:
                b"".join(response.streaming_content)
            response.close()
            found[who, address] = HTTPStatus.SERVICE_UNAVAILABLE if refusals else response.status_code
    return found


# Who holds what a writer holds ----------------------------------------------------------------------------------------


@contextmanager
def concurrent_writer() -> Iterator[None]:
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
    """Hold the lock until told to stop."""
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


def fill_database() -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Fill the database; return a browser for each person, and who requests what."""
    from django.apps import apps
    from django.contrib.auth import get_user_model
    from django.test import Client

    from events.declarations.choices import SigningLinkPurpose
    from tests.support.addresses import fill_in_address, model_pages, public_addresses
    from tests.support.factories import make_everything
    from tests.support.second_factors import PASSWORD, give_app
    from tests.support.signing import invite, new_link, open_signing, sign
    from vru_portal.models import Heartbeat

    make_everything(1)
    open_signing(declaration=apps.get_model("declarations.declaration").objects.first(), text="We read together.")
    invited, signed = invite("Reader Trust"), sign(invite("Signed Trust", "signed@body.example"))
    ada = get_user_model().objects.create_superuser("ada", password=PASSWORD)
    give_app(ada)
    rows = make_pending_changes_and_drafts(ada)
    staff, newcomer, visitor, signatory = (
        Client(raise_request_exception=False, headers={"host": "localhost"}) for _ in range(4)
    )
    staff.force_login(ada)
    newcomer.force_login(get_user_model().objects.create_superuser("bea"))  # without a second factor yet
    # a message that the next page shows
    staff.post("/admin/partners/sector/add/", {"name": "Rangers", "slug": "rangers"})
    for part in Heartbeat.Part:
        Heartbeat.objects.beat(part)
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
    for model, _, pattern in model_pages():
        addresses += [("staff", fill_in_address(pattern, row)) for row in rows.get(model, [None])]
    addresses += [("staff", f"/admin/{page}") for page in ("search/?q=a", "link/?q=a", "jsi18n/")]
    secrets = [
        invited.secret,
        new_link(signed.invitation, SigningLinkPurpose.RECEIPT),
        new_link(signed.invitation, SigningLinkPurpose.WITHDRAW),
        "x" * 43,
    ]
    for secret in secrets:
        addresses.append(("signatory", f"/declaration/sign/{secret}/"))
        addresses += [("signatory", address) for address in public_addresses().values() if "/sign/" in address]
    return {"staff": staff, "newcomer": newcomer, "visitor": visitor, "signatory": signatory}, list(
        dict.fromkeys(addresses)
    )


def make_pending_changes_and_drafts(by: Any) -> dict[str, list[Any]]:
    """Let a change wait for every public record, and have drafts; return some rows of each model."""
    from django.apps import apps

    from tests.support.canaries import propose_canaries
    from tests.support.factories import EventFactory, InitiativeFactory, PersonFactory, StoryFactory
    from vru_portal.models import FileJob, Pending

    propose_canaries(by, most=1)
    changesets = [factory(state="draft") for factory in (EventFactory, InitiativeFactory, PersonFactory, StoryFactory)]
    FileJob.objects.create(resource="funding.resources.PaymentResource", name="x.csv", stored="x", by=by)
    assert Pending.objects.count() > 12
    firsts = (model._default_manager.order_by("pk").first() for model in apps.get_models())
    found = {row._meta.label_lower: [row] for row in firsts if row}
    for row in (*changesets, event_with_reordered_agenda(by)):
        found[row._meta.label_lower].append(row)
    return found


def event_with_reordered_agenda(by: Any) -> Any:
    """Return an event whose pending change swaps items, removes one together with its appearance, and adds another."""
    from tests.support.factories import AgendaItemFactory, AppearanceFactory
    from vru_portal.publishing import workflow

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

    assert workflow.propose(event, by=by, edit=edit)
    return event


if __name__ == "__main__":
    django.setup()
    main()
