"""Draft or published: the one place that says what the public may see."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from vru_portal.append_only import STAYS_PUBLISHED, stays_published
from vru_portal.slugs import Row, SlugQuerySet


class State(models.TextChoices):
    """Whether the public sees a record."""

    DRAFT = "draft", "Draft: staff only"
    PUBLISHED = "published", "Published"


def published(path: str = "") -> dict[str, Any]:
    """Return the filter for published rows, or for rows whose relation is: ``published("level")``."""
    return {f"{path}__state" if path else "state": State.PUBLISHED}


class PublishableQuerySet(SlugQuerySet[Row]):
    """Rows that the public sees only once they are published."""

    def public(self) -> Self:
        """Return what the public may see: every page, list, count and feed begins here."""
        return self.filter(**published())


class Publishable(models.Model):
    """A record that staff prepare as a draft; public reads go through `objects.public()`."""

    state = models.CharField(
        "shown to",
        max_length=9,
        choices=State,
        default=State.DRAFT,
        db_index=True,
        help_text="A draft is seen by nobody but staff: not on its page, in a list or in a count.",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="%(app_label)s_%(class)s_state_known")
        ]

    def clean(self) -> None:
        """Keep published what money is recorded against: the database refuses it too."""
        super().clean()
        if not self.is_public and self.pk and stays_published(self):
            raise ValidationError({"state": STAYS_PUBLISHED.format(self._meta.verbose_name)})

    @property
    def is_public(self) -> bool:
        """Whether the public may see this record."""
        return self.state == State.PUBLISHED
