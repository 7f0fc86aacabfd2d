from typing import Any

from django.core.management import call_command
from django.db import migrations

TABLE = "vru_portal_cache"


def make(apps: Any, schema_editor: Any) -> None:
    """Make the table that CACHES names: all processes count guesses at passwords in it."""
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f'DROP TABLE "{TABLE}"')


class Migration(migrations.Migration):
    dependencies = [("vru_portal", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
