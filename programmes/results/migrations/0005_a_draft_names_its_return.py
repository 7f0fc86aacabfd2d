from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("results", "0004_quarters_are_typed"),
    ]

    operations = [
        migrations.RenameField("returndraft", "asked", "return_of_figures"),
        migrations.RenameField("approvedreturn", "asked", "return_of_figures"),
    ]
