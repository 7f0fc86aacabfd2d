from django.db import models

from vru_portal.text.fields import LongTextField


class Synonym(models.Model):
    """Words that visitors type into the search, and what the pages call the same thing."""

    typed = LongTextField(
        "visitors type", help_text="Words that people use, one or several on each line: stabbing, knife crime."
    )
    found = LongTextField(
        "pages say",
        help_text="What the pages call it, one on each line: injury through violence. Search then also finds these, "
        "after the pages that contain the visitor's own words.",
    )

    class Meta:
        ordering = ["typed"]

    def __str__(self) -> str:
        return ", ".join(self.typed_lines)

    @property
    def typed_lines(self) -> tuple[str, ...]:
        return lines_of(self.typed)

    @property
    def found_lines(self) -> tuple[str, ...]:
        return lines_of(self.found)


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
