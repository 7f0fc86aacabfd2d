"""Reading many rows by their keys, so that no cursor of the database stays open while they are used.

On SQLite an open cursor can keep every writer waiting, on PostgreSQL it holds a snapshot: whoever writes a file from
one would hold up others for as long as that takes.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

Item = TypeVar("Item")
Record = TypeVar("Record", bound=Model)
AT_ONCE = 900  # rows: a query names as many keys, and SQLite accepts fewer than 1,000


def in_batches(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def key_batches(rows: QuerySet[Any, Any]) -> Iterator[list[Any]]:
    """The primary keys of the rows, in their order, some at a time."""
    return in_batches(list(rows.values_list("pk", flat=True)))


def fetch_in_batches(rows: QuerySet[Record]) -> Iterator[Record]:
    """Yield the rows in their order. A row that is added meanwhile is left out."""
    for keys in key_batches(rows):
        yield from rows.filter(pk__in=keys)


def keys_as_rows(parameter: Any) -> RawSQL:
    """A subquery of keys, of which there may be more than a query may have parameters.

    It takes what `as_parameter` made of them, or a prepared query's placeholder for that.
    """
    subquery = "SELECT value FROM json_each(%s)" if connection.vendor == "sqlite" else "SELECT unnest(%s::bigint[])"
    return RawSQL(subquery, [parameter])  # noqa: S611 - the keys are its parameter


def as_parameter(keys: list[int]) -> str | list[int]:
    """Keys as the one parameter of `keys_as_rows`."""
    return json.dumps(keys) if connection.vendor == "sqlite" else keys
