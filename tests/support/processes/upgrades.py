"""What migrations leave of the triggers, in a database of its own: `python -m tests.support.processes.upgrades`."""

import json
from typing import Any

import django


def rebuild() -> dict[str, Any]:
    """In a database with today's tables, rebuild one without `migrate`, then several with it."""
    from django.core.management import call_command
    from django.db import IntegrityError, connection
    from django.db.migrations.executor import MigrationExecutor

    from funding.models import Explanation
    from tests.support.factories import ExplanationFactory
    from vru_portal.ledger.append_only.database import DatabaseTriggers

    row = ExplanationFactory()
    before = sorted_names(DatabaseTriggers(connection).missing())
    executor = MigrationExecutor(connection)
    executor.migrate([("funding", "9001_one_table")])  # not the command: nobody puts anything back
    lost = sorted_names(DatabaseTriggers(connection).missing())
    call_command("migrate", verbosity=0)
    refused = []
    for change in (lambda rows: rows.update(text="Another."), lambda rows: rows._raw_delete("default")):
        try:
            change(Explanation.objects.filter(pk=row.pk))
        except IntegrityError as error:
            refused.append(str(error).partition(".")[0])
    return {
        "before": before,
        "lost": lost,
        "after": sorted_names(DatabaseTriggers(connection).missing()),
        "refused": refused,
    }


def sorted_names(triggers: list[Any]) -> list[str]:
    """Return what triggers are called, in order."""
    return sorted(trigger.name for trigger in triggers)


if __name__ == "__main__":
    django.setup()
    print(json.dumps(rebuild()))
