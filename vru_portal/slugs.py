"""Records that a slug names: in addresses, fixtures and imports."""

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class SlugQuerySet(models.QuerySet[Row]):
    """Rows that fixtures and imports name by their slug."""

    def get_by_natural_key(self, slug: str) -> Row:
        """Return the row with this slug; raises DoesNotExist."""
        return self.get(slug=slug)


class Slugged(models.Model):
    """A record with a slug, which is its natural key."""

    slug = models.SlugField(
        max_length=80, unique=True, help_text="Its name in addresses. Links from elsewhere break when it changes."
    )

    class Meta:
        abstract = True

    def natural_key(self) -> tuple[str]:
        """Return what names it in fixtures and imports."""
        return (self.slug,)
