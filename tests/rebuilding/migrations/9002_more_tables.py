"""Rebuild, on SQLite, tables that the triggers of others name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("funding", "9001_one_table")]
    operations = [
        migrations.AlterField("fundingsource", "name", models.CharField(max_length=161)),
        migrations.AlterField("allocation", "department", models.CharField(max_length=121, blank=True)),
        migrations.AlterField("payment", "department", models.CharField(max_length=121, blank=True)),
    ]
