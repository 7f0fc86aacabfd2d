"""Names that must be told apart by people, not only by the database."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from vru_portal.text.cleaning import fold
from vru_portal.text.fields import LineField


class DistinctNames(models.Model):
    """A record whose unique lines, such as its name, may not look like those of another record of its kind.

    Whoever compares names folds them: invitations, files and searches would take such two for one.
    """

    class Meta:
        abstract = True

    def validate_unique(self, exclude: Iterable[str] | None = None) -> None:
        super().validate_unique(exclude=exclude)  # type: ignore[arg-type]
        left_out = set(exclude or ())
        lines = [field for field in self._meta.fields if isinstance(field, LineField) and field.unique]
        errors = {
            field.name: f"There is already “{twin}”, which looks the same. Use that one, or enter a "
            f"{field.verbose_name} that people can tell apart from it."
            for field in lines
            if field.name not in left_out and (twin := self.look_alike(field))
        }
        if errors:
            raise ValidationError(errors)

    def look_alike(self, field: models.Field[Any, Any]) -> str:
        """The line of another record that looks the same as this one's; empty if none does.

        Records that were made alike before this rule can still be edited.
        """
        value = getattr(self, field.attname)
        folded, rows = fold(value), type(self)._default_manager.values_list("pk", field.name)
        found = {key: text for key, text in rows if fold(text) == folded}
        own = found.pop(self.pk, None)
        return next(iter(found.values()), "") if own is None else ""
