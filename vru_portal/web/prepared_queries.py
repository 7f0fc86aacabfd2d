"""Queries that are built once in a process and then run again and again, like prepared statements.

A page's queries never change, only the values in them. Yet Django builds and compiles each of them again, which takes
several times as long as the database takes to answer: it was more than half of what the home page cost.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet, Value, prefetch_related_objects
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from django.http import Http404

# For one connection. There are few functions, but several bounds of pages for each.
MAX_PREPARED = 500
Row = TypeVar("Row")


class Placeholder(Value):
    """Stands in a prepared query for a value that each call gives: its number among the arguments."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return a placeholder and, as its value, this parameter itself."""
        return "%s", [self]


class RelatedModel:
    """Stands in for a model that a query selects beside its own: rows that name the same record share one object of it.

    Django makes an object for each row, such as sixteen publications for an agenda that is taken from one.
    """

    def __init__(self, model: type[Model]) -> None:
        self.model, self._meta = model, model._meta
        self.objects: dict[Any, Model] = {}

    def from_db(self, alias: str, names: list[str], values: Sequence[Any]) -> Model:
        """As `Model.from_db`, which Django calls for each row."""
        key = values[names.index(self._meta.pk.attname)]
        if (known := self.objects.get(key)) is None:
            known = self.objects[key] = self.model.from_db(alias, names, values)
        return known


class Compiled(NamedTuple):
    """A query prepared for one connection."""

    rows: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    related: list[RelatedModel]


def prepared(build: Callable[..., QuerySet[Any, Row]]) -> Callable[..., list[Row]]:
    """Turn a function that returns a queryset into one that returns its rows.

    The function is called once for each connection, of which every thread has its own. It gets a `Placeholder` for each
    positional argument, and may do nothing but compare columns with it: the query is the same whatever the value.
    Another number of arguments is another query, but `keys_as_rows` takes any number of keys as one. Another value of a
    keyword argument, which it gets as it is, makes another query too. Prefetches are built each time.

    Rows that name the same related record (`select_related`) share one object of it: set nothing on that for one row.
    """

    @wraps(build)
    def ask(*values: Any, **choices: Hashable) -> list[Row]:
        try:
            found = compiled_here(build, len(values), choices)
        except EmptyResultSet:  # it can have no rows, such as with an empty list of keys
            return []
        given = [
            value.pk if isinstance(value, Model) else connection.ops.adapt_unknown_value(value) for value in values
        ]
        if found.rows.query.select_for_update:
            require_transaction()
        # Django asks a query for its compiler, and that for the SQL, whenever rows are read. Both were replaced by what
        # was made once (`compiled_here`); only the values are new. The connection belongs to this thread alone, and the
        # rows are read to the end before anybody can bind other values.
        bound = tuple(given[one.value] if isinstance(one, Placeholder) else one for one in found.parameters)
        found.compiler.as_sql = lambda *_, **__: (found.sql, bound)  # type: ignore[method-assign]
        try:
            rows: list[Any] = list(found.rows._iterable_class(found.rows))  # type: ignore[call-overload]
        finally:
            for model in found.related:
                model.objects.clear()
        if lookups := found.rows._prefetch_related_lookups:  # type: ignore[attr-defined]
            prefetch_related_objects(rows, *lookups)
        return rows

    return ask


def compiled_here(build: Callable[..., QuerySet[Any, Any]], count: int, choices: dict[str, Hashable]) -> Compiled:
    """The query that this function builds, compiled for this thread's connection."""
    known: dict[Any, Compiled] = vars(connections[DEFAULT_DB_ALIAS]).setdefault("prepared_queries", {})
    key = build, count, *choices.items()
    if (found := known.pop(key, None)) is None:
        rows = build(*map(Placeholder, range(count)), **choices)
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        rows.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        converters = compiler.get_converters([column for column, *_ in compiler.select[: compiler.col_count]])
        compiler.get_converters = lambda *_: converters
        found = Compiled(rows, compiler, sql, tuple(parameters), list(share_related(compiler.klass_info)))
        if len(known) >= MAX_PREPARED:  # drop the least recently used query
            del known[next(iter(known))]
    known[key] = found
    return found


def share_related(selected: Any) -> Iterator[RelatedModel]:
    """Replace the related models of what a compiler says it selects, and theirs."""
    for related in (selected or {}).get("related_klass_infos", ()):
        related["model"] = RelatedModel(related["model"])
        yield related["model"]
        yield from share_related(related)


def require_transaction() -> None:
    """Raise TransactionManagementError if a lock would end at once, as Django does when it compiles a query."""
    if connection.features.has_select_for_update and not connection.in_atomic_block:
        raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")


def first_or_404(rows: list[Row]) -> Row:
    """The first of these rows; raises Http404 if there is none."""
    if not rows:
        raise Http404
    return rows[0]
