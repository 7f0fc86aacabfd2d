from django.db import migrations


class Migration(migrations.Migration):
    """The triggers give their messages in plainer words: they are compared, and installed after each migration."""

    dependencies = [("vru_portal", "0001_squashed_2026_11_29")]
    operations = []
