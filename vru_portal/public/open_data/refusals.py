"""Answers to addresses that name something that does not exist: they list what does."""

from collections.abc import Collection, Iterable

from vru_portal.web.filters import Filters

MAX_NAMED = 40  # values in one sentence


def list_of(names: Collection[str]) -> str:
    named = list(names)[:MAX_NAMED]
    others = len(names) - len(named)
    return ", ".join(named) + (f" and {others} more" if others else "")


def refusals(filters: Filters, others: Iterable[str] = ()) -> dict[str, str]:
    """What is wrong with each parameter; ``others`` are parameters that the address must not have.

    A page can show its list all the same, with the value ignored. A file or a script gets no rows that nobody asked
    for.
    """
    found = {
        name: f"There is no parameter “{name[:60]}”. Use one of: {list_of(filters.parameters)}." for name in others
    }
    for name, values in filters.refused.items():
        known = filters.parameters[name].values
        if known:
            found[name] = f"“{values[0][:60]}” is not a valid value. Use one of: {list_of(known)}."
        elif name not in filters.errors:
            found[name] = f"“{values[0][:60]}” is not a valid value."
    return {**filters.errors, **found}
