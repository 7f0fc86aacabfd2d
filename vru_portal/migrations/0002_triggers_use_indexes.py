"""Nothing in a table changes: `migrate` puts the ledger's triggers in place anew, which now find rows by index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vru_portal", "0001_all_tables")]
    operations = []
