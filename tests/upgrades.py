"""What migrations leave of guards and content, in a database of its own.

`python -m tests.upgrades rebuild|upgrade|signing`.
"""

import json
import sys
from typing import Any

import django

FIRST = [("partners", "0001_initial"), ("programmes", "0001_initial"), ("funding", "0001_initial")]
BEFORE_SIGNING = [("partners", "0002_money"), ("declarations", "0001_initial")]


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


def signing() -> dict[str, Any]:
    """Go back to the tables before anybody could sign, with the launch content in them, then on to today's; sign."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from events.declarations.register import audit
    from tests.signing import open_signing, signed
    from vru_portal.append_only import Guards, require_guards

    def wordings() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT d.title, v.number, v.text, v.note FROM declarations_declarationversion v "
                "JOIN declarations_declaration d ON d.id = v.declaration_id ORDER BY d.id, v.number"
            )
            return [list(row) for row in cursor.fetchall()]

    call_command("migrate", verbosity=0)
    call_command("load_unit", settings.BASE_DIR / "fixtures", verbosity=0)
    Guards(connection).remove()
    MigrationExecutor(connection).migrate(BEFORE_SIGNING)
    tables, kept = connection.introspection.table_names(), wordings()
    call_command("migrate", verbosity=0)
    require_guards()
    found = {
        "wordings": [kept, wordings()],
        "before": [name for name in tables if name.startswith("declarations_") and "version" not in name],
    }
    open_signing()
    return found | {"entry": signed().seq, "faults": list(audit.faults())}


def names(guards: list[Any]) -> list[str]:
    """Return what guards are called, in order."""
    return sorted(guard.name for guard in guards)


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"rebuild": rebuild, "upgrade": upgrade, "signing": signing}[sys.argv[1]]()))
