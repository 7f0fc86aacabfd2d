"""Encrypts the seeds of second factors that were stored before seeds were encrypted."""

from django.db import migrations

from vru_portal.accounts import seeds


def encrypt_seeds(apps, schema_editor):
    rows = apps.get_model("mfa", "Authenticator").objects.using(schema_editor.connection.alias)
    for row in rows.all():
        if plain := {name: seed for name, seed in seeds.seeds_of(row).items() if not seeds.is_encrypted(seed)}:
            row.data |= {name: seeds.encrypt(seed) for name, seed in plain.items()}
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    """Changes rows only."""

    dependencies = [("vru_portal", "0002_trigger_messages"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(encrypt_seeds, migrations.RunPython.noop)]
