from typing import Any, Self, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model, covariant=True)


class RequestQuerySet(models.QuerySet[Row]):
    """Requests, of which each app says when they are still asked for."""

    def with_still_asked(self) -> Self:
        """Add `still_asked`: whether what it is about is still there to be asked for."""
        raise NotImplementedError

    def still_asked(self) -> Self:
        rows: Any = self.with_still_asked()
        found: Self = rows.filter(still_asked=True)
        return found
