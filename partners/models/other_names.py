from django.db import models

from vru_portal.text.fields import LongTextField

OTHER_NAMES_HELP = "Other spellings that the sources use, one on each line. Search finds them, and pages show them."


class OtherNames(models.Model):
    """An organisation or person whose name the sources spell in more than one way."""

    other_names = LongTextField(blank=True, help_text=OTHER_NAMES_HELP)

    class Meta:
        abstract = True

    @property
    def other_name_list(self) -> list[str]:
        return [line.strip() for line in self.other_names.splitlines() if line.strip()]
