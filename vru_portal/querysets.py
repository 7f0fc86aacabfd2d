"""The natural key that most records share: a slug."""

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class SlugQuerySet(models.QuerySet[Row]):
    """Rows that fixtures and imports name by their slug."""

    def get_by_natural_key(self, slug: str) -> Row:
        """Return the row with this slug; raises DoesNotExist."""
        return self.get(slug=slug)
