from typing import Any

from django.db import migrations

# Rules keep published what money names: `vru_portal/publishing/state.py` and `funding/rules.py`.
OBSOLETE = {
    "funding_allocation": (
        "initiative_published", "recipient_published", "awarded_by_published", "level_published",
    ),
    "funding_payment": ("payee_published",),
    "programmes_initiative": (
        "initiative_stays_changed", "initiative_stays_replaced", "initiative_not_replaced",
        "stays_on_a_published_level",
    ),
    "programmes_preventionlevel": ("level_stays", "level_not_replaced"),
    "partners_organisation": (
        "recipient_stays_changed", "recipient_stays_replaced", "awarded_by_stays_changed", "awarded_by_stays_replaced",
        "payee_stays_changed", "payee_stays_replaced",
    ),
}


def drop_obsolete_triggers(apps: Any, schema_editor: Any) -> None:
    """On SQLite, all triggers are gone by now: they are removed before any migration."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, names in OBSOLETE.items():
        for name in names:
            trigger = f"funding_{'payment' if name.startswith('payee') else 'allocation'}_{name}"
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{trigger}" ON "{table}"')
            schema_editor.execute(f'DROP FUNCTION IF EXISTS "{trigger}"()')


class Migration(migrations.Migration):

    dependencies = [
        ('funding', '0001_squashed_2026_11'),
        ('partners', '0001_squashed_2026_11'),
        ('programmes', '0001_squashed_2026_11'),
    ]

    operations = [migrations.RunPython(drop_obsolete_triggers, migrations.RunPython.noop)]
