"""What the cells of a file name: organisations and other records, by address, key or name."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from import_export import widgets

from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.sheets import join_texts
from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_form
from vru_portal.text.cleaning import fold

KEYS_PER_QUERY = 500  # SQLite limits how many parameters a query may have


@dataclass(frozen=True)
class Candidate:
    """A record that a cell may name: by its key, such as a slug, which no other has, or by one of its names."""

    pk: int
    key: str
    names: Sequence[str]
    described: str = ""  # what tells it from others of the same name, if its key does not


@dataclass
class Found:
    """The records that the cells of a column name, and for the cells that name several, the keys of these."""

    records: dict[str, Any] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)


class NamedRecord(widgets.Widget):
    """Turns the key or the name in a cell into its record. The resource has looked up all cells beforehand."""

    def __init__(self, what: str, found: Found | None = None) -> None:
        super().__init__()
        self.what, self.found = what, found or Found()

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """The record, or None for an empty cell; raises ValueError for a name of no record, or of several."""
        text = cell_text(value)
        if not text:
            return None
        if keys := self.found.ambiguous.get(text):
            raise ValueError(f"More than one {self.what} is called {text!r}. Enter one of {join_texts(keys)} instead.")
        if text not in self.found.records:
            raise ValueError(f"There is no {self.what} {text!r}.")
        return self.found.records[text]


def find_by_name(model: type[Model], texts: Iterable[str], *related: str) -> Found:
    """The records of a model with slugs and names that cells name."""
    wanted = set(texts)
    if not wanted:
        return Found()
    rows = model._default_manager.values_list("pk", "slug", "name")
    return find(model, wanted, [Candidate(pk, slug, [name]) for pk, slug, name in rows], *related)


def find(model: type[Model], texts: Collection[str], candidates: Sequence[Candidate], *related: str) -> Found:
    """The records that texts name: by the key, by the key as a spreadsheet saves it, then by a name, likewise."""
    by_key = {candidate.key: candidate.pk for candidate in candidates}
    resaved = {form: by_key[key] for form, key in by_resaved_form(by_key).items()}
    by_name: dict[str, set[int]] = {}
    for candidate in candidates:
        for name in (candidate.key, *candidate.names):
            by_name.setdefault(fold(name), set()).add(candidate.pk)
    keys = {one.pk: f"{one.key} ({one.described})" if one.described else one.key for one in candidates}
    others = {text for text in texts if fold(last_part(text)) not in by_name}
    names = by_resaved_form(name for one in candidates for name in one.names) if others else {}
    found: dict[str, int] = {}
    ambiguous: dict[str, list[str]] = {}
    for text in texts:
        meant = last_part(text)
        pk = by_key.get(meant) or resaved.get(text)
        pks = {pk} if pk else by_name.get(fold(names.get(text, meant) if text in others else meant), set())
        if len(pks) == 1:
            found[text] = min(pks)
        elif pks:
            ambiguous[text] = sorted(keys[pk] for pk in pks)
    by_pk = records_by_key(model, "pk", set(found.values()), *related)
    return Found({text: by_pk[pk] for text, pk in found.items()}, ambiguous)


def last_part(text: str) -> str:
    """What identifies a record in the address of its page; any other text as it is."""
    return text.rstrip("/").rpartition("/")[2] if text.startswith(("/", "http://", "https://")) else text


def records_by_key(model: type[Model], name: str, keys: Iterable[Any], *related: str) -> dict[Any, Any]:
    """Records by their key, a limited number per query."""
    wanted = sorted(keys)
    found: dict[Any, Any] = {}
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        rows = model._default_manager.select_related(*related).filter(
            **{f"{name}__in": wanted[start : start + KEYS_PER_QUERY]}
        )
        found.update({getattr(row, name): row for row in rows})
    return found
