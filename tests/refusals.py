"""How a constraint is shown to hold: by the database, behind every form; and by `full_clean`, in words."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction


def refused_by_the_database(row: models.Model, **values: Any) -> None:
    """Show that the database itself refuses these values for this stored row, whatever door they come through."""
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**values)


def refused_in_words(row: models.Model, **values: Any) -> dict[str, list[str]]:
    """Show that `full_clean` refuses these values; return what it says of each field."""
    for name, value in values.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return caught.value.message_dict
