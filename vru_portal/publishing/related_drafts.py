"""Related drafts: the drafts that a record names, which have to be published before it, or together with it."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models

from vru_portal.publishing.dead_links import is_at_or_below, own_path
from vru_portal.publishing.pending_changes import viewing_with_pending_change
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.snapshots import owning_record, record_and_parts, row_key, rows_with_key
from vru_portal.publishing.state import Part, Publishable, State
from vru_portal.text.markdown import is_markdown, links_in


def related_drafts(root: Any) -> list[Any]:
    """The drafts that a record names with its pending change, and those that they name, in an order that works."""
    with viewing_with_pending_change(root):
        return list(drafts_named_by(root, {row_key(root)}))


def drafts_named_by(root: Any, seen: set[str]) -> Iterator[Any]:
    """Yield the drafts that a record and its parts name, each after those that it names itself."""
    for row in record_and_parts(rows_with_key(row_key(root)).get()):
        for named in _named_by(row):
            draft = owning_record(named)
            if isinstance(draft, Publishable) and not draft.is_public and row_key(draft) not in seen:
                seen.add(row_key(draft))
                yield from drafts_named_by(draft, seen)
                yield draft


def _named_by(row: models.Model) -> Iterator[Any]:
    """Yield the records and parts that a row refers to: by its fields, and by the links in its Markdown."""
    for field in row._meta.concrete_fields:
        related: Any = field.related_model
        if field.is_relation and issubclass(related, Publishable | Part):
            if named := getattr(row, field.name):
                yield named
        elif is_markdown(field):
            yield from _drafts_linked_from(getattr(row, field.attname))
    for relation in row._meta.many_to_many:
        if issubclass(relation.related_model, Publishable):
            yield from getattr(row, relation.name).filter(state=State.DRAFT)


def _drafts_linked_from(text: str) -> Iterator[Any]:
    """Yield the drafts whose pages, or what belongs to them, a text links to, in the order of their models."""
    paths = [path for link in links_in(text) if (path := own_path(link))]
    if not paths:
        return
    words = {word for path in paths for word in path.split("/")} - {""}
    for model in apps.get_models():
        if issubclass(model, Slugged) and issubclass(model, Publishable):
            drafts = model._default_manager.filter(state=State.DRAFT, slug__in=words)
            yield from (draft for draft in drafts if any(is_at_or_below(path, draft.public_address) for path in paths))
