"""Draft or published: the one place that decides what the public may see."""

from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from vru_portal.ledger.append_only.models import STAYS_PUBLISHED, stays_published
from vru_portal.publishing.slugs import Row, SlugQuerySet

# The permission of those who decide what the public sees. Editors do not have it.
PUBLISH = "vru_portal.publish"


class State(models.TextChoices):
    """Whether the public sees a record."""

    DRAFT = "draft", "Draft: staff only"
    PUBLISHED = "published", "Published"


def published(path: str = "") -> dict[str, Any]:
    """The filter for published rows or, with the path of a relation ("level"), for rows whose relation is published."""
    return {f"{path}__state" if path else "state": State.PUBLISHED}


class Record(models.Model):
    """What staff edit on a page of its own, with its parts. Edits of what the public sees are pending changes first."""

    parts: ClassVar[tuple[str, ...]] = ()  # relations to what is edited, published and reverted together with it

    class Meta:
        abstract = True

    @property
    def is_public(self) -> bool:
        """Whether the public may see it. Records without a state, such as the legal notice, are always public."""
        return True

    @property
    def public_address(self) -> str:
        """The page that shows it. Some records have no page of their own and are shown on another's."""
        return str(self.get_absolute_url())  # type: ignore[attr-defined]

    def publishing_blockers(self) -> dict[str, str]:
        """What keeps it from being published, besides the validation of its fields: field names with what to do."""
        return draft_source_blockers(self)

    def unpublishing_blocker(self) -> str:
        """Why it has to stay published, naming the public records that depend on it; empty if it need not."""
        return ""


class Part(models.Model):
    """A row that is edited as a part of another one, its owner, and is public as far as its owner is."""

    parts: ClassVar[tuple[str, ...]] = ()
    owner_name: ClassVar[str]  # the relation to its owner, which is a record or itself a part

    class Meta:
        abstract = True

    @property
    def owner(self) -> Any:
        """The record that it is a part of, directly or through another part."""
        owner = getattr(self, self.owner_name)
        return owner.owner if isinstance(owner, Part) else owner

    @property
    def is_public(self) -> bool:
        return self.owner.is_public

    def publishing_blockers(self) -> dict[str, str]:
        """What keeps the whole record from being published: field names with what to do."""
        return draft_source_blockers(self)


def draft_source_blockers(row: Any) -> dict[str, str]:
    """A fact is published only with its source, which therefore has to be published before it."""
    source = getattr(row, "source", None)
    if source is None or source.is_public:
        return {}
    return {"source": f"“{source}” is a draft, so no page can name it. Publish that source first."}


class PublishableQuerySet(SlugQuerySet[Row]):
    """Rows that the public sees only once they are published."""

    def public(self) -> Self:
        """What the public may see. Every public page, list, count and feed starts from this."""
        return self.filter(**published())


class Publishable(Record):
    """A record that is prepared as a draft. Whatever the public reads comes from `objects.public()`."""

    state = models.CharField(
        "visible to",
        max_length=9,
        choices=State,
        default=State.DRAFT,
        db_index=True,
        help_text="Only staff can see a draft. It does not appear on public pages, in lists or in counts.",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="%(app_label)s_%(class)s_state_known")
        ]

    def has_ledger_rows(self) -> bool:
        """Whether a permanently public row refers to it, directly or through a record that it would hide."""
        return self.pk is not None and stays_published(self)

    def clean(self) -> None:
        """Refuse to make it a draft while a ledger refers to it."""
        super().clean()
        if not self.is_public and self.has_ledger_rows():
            raise ValidationError({"state": STAYS_PUBLISHED.format(self._meta.verbose_name)})

    def unpublishing_blocker(self) -> str:
        return STAYS_PUBLISHED.format(self._meta.verbose_name) if self.has_ledger_rows() else ""

    @property
    def is_public(self) -> bool:
        return self.state == State.PUBLISHED
