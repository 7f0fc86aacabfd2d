"""What migrations leave of the guards, in a database of its own: `python -m tests.upgrades rebuild|upgrade`."""

import json
import sys
from typing import Any

import django

FIRST = [("partners", "0001_initial"), ("programmes", "0001_initial"), ("funding", "0001_initial")]


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


def upgrade() -> dict[str, Any]:
    """Go back to the tables of the first migrations with the launch content in them, then on to today's."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from funding.models import FundingSource
    from vru_portal.append_only import Guards, require_guards

    def columns() -> list[str]:
        with connection.cursor() as cursor:
            return [c.name for c in connection.introspection.get_table_description(cursor, "funding_fundingsource")]

    def sums() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT slug, amount FROM funding_fundingsource ORDER BY slug")
            return [f"{slug} {amount:.2f}" for slug, amount in cursor.fetchall()]

    call_command("migrate", verbosity=0)
    call_command("load_unit", settings.BASE_DIR / "fixtures", verbosity=0)
    today = columns()
    Guards(connection).remove()
    MigrationExecutor(connection).migrate(FIRST)
    old, kept = columns(), sums()
    call_command("migrate", verbosity=0)
    require_guards()
    return {
        "old": sorted(set(today) - set(old)),
        "same": sorted(columns()) == sorted(today),
        "sums": [kept, sums()],
        "standing": FundingSource.objects.standing().count(),
        "missing": names(Guards(connection).missing()),
    }


def names(guards: list[Any]) -> list[str]:
    """Return what guards are called, in order."""
    return sorted(guard.name for guard in guards)


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"rebuild": rebuild, "upgrade": upgrade}[sys.argv[1]]()))
