"""Changes no table: the messages of some triggers changed, and triggers are installed again after every migration.

Without a migration to apply, the portal would find the old triggers, take them for tampered ones and not start.
"""

from django.db import migrations


class Migration(migrations.Migration):
    """An empty migration."""

    dependencies = [("vru_portal", "0001_squashed_2026_11")]
    operations: list[migrations.operations.base.Operation] = []
