"""Records that a slug names: in addresses, fixtures and imports."""

from typing import Any, TypeVar

from django.db import models

from vru_portal import old_addresses

Row = TypeVar("Row", bound=models.Model)


class SlugQuerySet(models.QuerySet[Row]):
    """Rows that fixtures and imports name by their slug."""

    def get_by_natural_key(self, slug: str) -> Row:
        """Return the row with this slug; raises DoesNotExist."""
        return self.get(slug=slug)


class Slugged(models.Model):
    """A record with a slug, which is its natural key."""

    slug = models.SlugField(
        max_length=80,
        unique=True,
        help_text="Its name in addresses, in small letters, figures and hyphens. Once it is public, an earlier address "
        "leads to the new one.",
    )

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it; an address that the public knows goes on leading to it."""
        if self.pk and hasattr(self, "get_absolute_url") and not self._state.adding:
            old_addresses.remember(self)
        super().save(*args, **kwargs)

    def natural_key(self) -> tuple[str]:
        """Return what names it in fixtures and imports."""
        return (self.slug,)
