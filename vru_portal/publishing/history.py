"""A manager for simple_history's models that does not make a new class for each query."""

from functools import cache
from typing import Any

from simple_history.manager import HistoryManager as SimpleHistoryManager

# The reason of the first version of a record that came with the unit's content: it was published as it was loaded.
LOADED = "Loaded with the unit"


class HistoryManager(SimpleHistoryManager):
    """simple_history's manager, with its generated classes cached."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: type[Any], class_name: str | None = None) -> Any:
        # simple_history calls this at every access to `record.history`, and making a class is slow.
        return super().from_queryset(queryset_class, class_name)
