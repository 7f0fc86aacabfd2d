"""Rebuild, on SQLite, a table that no other table's guard names."""

from django.db import migrations, models

from tests.rebuilding.migrations import LAST


class Migration(migrations.Migration):
    dependencies = [("funding", LAST)]
    operations = [migrations.AlterField("explanation", "text", models.CharField(max_length=4000))]
