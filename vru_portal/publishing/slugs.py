"""Records that a slug names: in addresses, fixtures and imports."""

from typing import Any, TypeVar

from django.db import models

from vru_portal.publishing.addresses import MAX_LENGTH, Addressed, AddressField
from vru_portal.publishing.redirects import remember_old_address
from vru_portal.text.look_alikes import DistinctNames

Row = TypeVar("Row", bound=models.Model)


class SlugQuerySet(models.QuerySet[Row]):
    """Rows that fixtures and imports name by their slug."""

    def get_by_natural_key(self, slug: str) -> Row:
        return self.get(slug=slug)


class Slugged(DistinctNames, Addressed):
    """A record with a slug, which is its natural key."""

    slug: AddressField[str, str] = AddressField(
        max_length=MAX_LENGTH,
        unique=True,
        help_text="The record's name in web addresses: lower-case letters, numbers and hyphens. If you change it after "
        "publication, the old address redirects to the new one.",
    )

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk and hasattr(self, "get_absolute_url") and not self._state.adding:
            remember_old_address(self)
        super().save(*args, **kwargs)

    def natural_key(self) -> tuple[str]:
        return (self.slug,)
