from collections.abc import Callable
from typing import Any


def edit_values(row: Any, **values: Any) -> Callable[[], None]:
    """Return a function that sets a record's values as a form does, to pass to `workflow.propose`."""

    def edit() -> None:
        fresh = type(row)._default_manager.get(pk=row.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        fresh.full_clean()
        fresh.save()

    return edit
