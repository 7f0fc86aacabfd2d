from django.db import migrations, models


def lines_to_columns(apps, schema_editor):
    """“Doc no = reference” on a line of its own becomes a pair of heading and column."""
    for mapping in apps.get_model("vru_portal", "HeadingMapping").objects.all():
        pairs = [line.rpartition("=") for line in mapping.lines.splitlines() if line.strip()]
        mapping.columns = {heading.strip(): column.strip() for heading, _, column in pairs}
        mapping.save(update_fields=["columns"])


def columns_to_lines(apps, schema_editor):
    names = set()
    for mapping in apps.get_model("vru_portal", "HeadingMapping").objects.order_by("pk"):
        mapping.lines = "\n".join(f"{heading} = {column}" for heading, column in mapping.columns.items())
        if mapping.name in names:  # before, a system had only one
            mapping.name = f"{mapping.name[:60]} ({mapping.pk})"
        names.add(mapping.name)
        mapping.save(update_fields=["lines", "name"])


class Migration(migrations.Migration):
    """What headings mean is chosen in a table, for each kind of a system's files, and no longer typed line by line."""

    dependencies = [("vru_portal", "0002_plain_trigger_messages")]
    operations = [
        migrations.AddField("headingmapping", "columns", models.JSONField("what the headings mean", default=dict)),
        migrations.AlterField(
            "headingmapping", "kind", models.CharField("files of", max_length=60, editable=False)
        ),
        migrations.AlterField(
            "headingmapping",
            "name",
            models.CharField(
                "system", max_length=80, help_text="The system that writes such files, such as Oracle or Sage."
            ),
        ),
        migrations.RunPython(lines_to_columns, columns_to_lines),
        # If this is undone, the rows have no lines until `columns_to_lines` has written them.
        migrations.AlterField("headingmapping", "lines", models.TextField(default="", blank=True)),
        migrations.RemoveField("headingmapping", "lines"),
        migrations.AddConstraint(
            "headingmapping",
            models.UniqueConstraint(fields=["name", "kind"], name="vru_portal_headingmapping_once"),
        ),
    ]
