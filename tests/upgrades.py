"""What migrations leave of the guards, in a database of its own: `python -m tests.upgrades`."""

import json
from typing import Any

import django


def rebuild() -> dict[str, Any]:
    """In a database with today's tables, rebuild one without `migrate`, then several with it."""
    from django.core.management import call_command
    from django.db import IntegrityError, connection
    from django.db.migrations.executor import MigrationExecutor

    from funding.models import Explanation
    from tests.factories import ExplanationFactory
    from vru_portal.append_only import Guards

    row = ExplanationFactory()
    before = names(Guards(connection).missing())
    executor = MigrationExecutor(connection)
    executor.migrate([("funding", "9001_one_table")])  # not the command: nobody puts anything back
    lost = names(Guards(connection).missing())
    call_command("migrate", verbosity=0)
    refused = []
    for change in (lambda rows: rows.update(text="Another."), lambda rows: rows._raw_delete("default")):
        try:
            change(Explanation.objects.filter(pk=row.pk))
        except IntegrityError as error:
            refused.append(str(error).partition(":")[0])
    return {"before": before, "lost": lost, "after": names(Guards(connection).missing()), "refused": refused}


def names(guards: list[Any]) -> list[str]:
    """Return what guards are called, in order."""
    return sorted(guard.name for guard in guards)


if __name__ == "__main__":
    django.setup()
    print(json.dumps(rebuild()))
