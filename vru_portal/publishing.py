"""Draft or published: the one place that says what the public may see."""

from typing import Any, ClassVar, Self

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


class Record(models.Model):
    """What staff edit on a page of its own, with its parts: a change of what the public sees waits until published."""

    parts: ClassVar[tuple[str, ...]] = ()  # the relations to what is edited, published and reverted together with it

    class Meta:
        abstract = True

    @property
    def is_public(self) -> bool:
        """Whether the public may see this record."""
        return True

    @property
    def public_address(self) -> str:
        """The page that shows it: its own, unless it stands on another's."""
        return str(self.get_absolute_url())  # type: ignore[attr-defined]

    def lacks(self) -> dict[str, str]:
        """Return what must be there before it is published and is not: fields, each with what to do."""
        return source_lacks(self)

    def needed_by(self) -> str:
        """Say which public records would be wrong without this one; empty where none would be."""
        return ""


class Part(models.Model):
    """What is public as far as its owner is, and edited as a part of it."""

    parts: ClassVar[tuple[str, ...]] = ()
    owner_name: ClassVar[str]  # the relation to what it is a part of: a record, or itself a part

    class Meta:
        abstract = True

    @property
    def owner(self) -> Any:
        """The record that it is a part of."""
        found = getattr(self, self.owner_name)
        return found.owner if isinstance(found, Part) else found

    @property
    def is_public(self) -> bool:
        """Whether the public may see it."""
        return self.owner.is_public

    def lacks(self) -> dict[str, str]:
        """Return what must be there before its record is published and is not."""
        return source_lacks(self)


def source_lacks(row: Any) -> dict[str, str]:
    """Say where the public cannot see the source of what a row states."""
    source = getattr(row, "source", None)
    if source is None or source.is_public:
        return {}
    return {"source": f"“{source}” is a draft, so no page could name it: publish that source first."}


class PublishableQuerySet(SlugQuerySet[Row]):
    """Rows that the public sees only once they are published."""

    def public(self) -> Self:
        """Return what the public may see: every page, list, count and feed begins here."""
        return self.filter(**published())


class Publishable(Record):
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
