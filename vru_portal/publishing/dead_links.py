"""Links in texts to the portal's own pages: which of them lead nowhere, and which texts link to a record."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import Resolver404, resolve

from vru_portal.models import OldAddress, Pending
from vru_portal.publishing.differences import field_label
from vru_portal.publishing.pending_changes import viewing_with_pending_change
from vru_portal.publishing.snapshots import owning_record, record_and_parts
from vru_portal.publishing.state import Part, Record
from vru_portal.text.markdown import is_markdown, links_in

STAFF_PAGES = "/admin/"
NAMES_OF_NETWORKS = (".local", ".localhost", ".internal", ".intranet", ".lan", ".corp")
DEFAULT_PORTS = {"http": 80, "https": 443}


class TextField(NamedTuple):
    """A Markdown text of a row."""

    row: Any
    field: models.Field[Any, Any]

    @property
    def links(self) -> list[str]:
        return links_in(getattr(self.row, self.field.attname) or "")


def problems_with_links(record: Any) -> list[str]:
    """Each link in the texts of a record and its parts that no visitor can follow: where it stands, and why."""
    saved = type(record)._default_manager.get(pk=record.pk)
    return [
        f"{'' if text.row is saved else f'{text.row}, '}{field_label(text.row, text.field.name)}: {address} {why}"
        for row in (record_and_parts(saved) if isinstance(saved, Record) else [saved])
        for text in texts_of(row)
        for address in text.links
        if (why := _problem_with_link(address, record))
    ]


def texts_of(row: Any) -> Iterator[TextField]:
    return (TextField(row, field) for field in row._meta.concrete_fields if is_markdown(field))


def texts_linking_to(record: Any) -> list[TextField]:
    """The published texts that link to a record, by its address or one that it had before."""
    paths = _paths_of(record)
    found: list[TextField] = []
    if not paths:
        return found
    for model in apps.get_models():
        fields = [field for field in model._meta.concrete_fields if is_markdown(field)]
        if not fields or hasattr(model, "instance_type"):  # history keeps what there was
            continue
        mentions = models.Q()
        for field in fields:
            for path in paths:
                mentions |= models.Q(**{f"{field.name}__contains": path.rstrip("/")})
        rows: Iterable[Any] = model._default_manager.filter(mentions)
        for row in rows:
            if row.is_public and owning_record(row) != record:
                found += [text for text in texts_of(row) if any(_leads_to(link, paths) for link in text.links)]
    return found


def records_naming(record: Any) -> Iterator[tuple[Any, str]]:
    """Yield the published records and parts that name a record in one of their fields, each with that field's name."""
    for relation in record._meta.get_fields(include_hidden=True):
        model = relation.related_model
        if relation.concrete or not relation.auto_created or not issubclass(model, Record | Part):
            continue
        name = relation.field.name
        for row in model._default_manager.filter(**{name: record}):
            if row.is_public and owning_record(row) != record:
                yield row, name


def scheduled_texts_linking_to(record: Any) -> Iterator[tuple[Pending, TextField]]:
    """Yield the texts that link to a record and are to be published on a date, each with that date."""
    paths = _paths_of(record)
    if not paths:
        return
    for pending in Pending.objects.exclude(publish_at=None).select_related("content_type"):
        root: Any = pending.record
        if root is None or root == record:
            continue
        try:
            with viewing_with_pending_change(root):
                saved = type(root)._default_manager.get(pk=root.pk)
                texts = [text for row in record_and_parts(saved) for text in texts_of(row)]
        except ValidationError:  # it cannot be published as it is: its own page says so
            continue
        yield from ((pending, text) for text in texts if any(_leads_to(link, paths) for link in text.links))


def _paths_of(record: Any) -> list[str]:
    """The path of a record's page and those that it had before; empty if it has no page."""
    if not hasattr(record, "get_absolute_url"):
        return []
    kind = ContentType.objects.get_for_model(record)
    old = OldAddress.objects.filter(content_type=kind, object_id=record.pk).values_list("path", flat=True)
    return [record.get_absolute_url(), *old]


def _leads_to(address: str, paths: list[str]) -> bool:
    path = own_path(address)
    return path is not None and any(is_at_or_below(path, one) for one in paths)


def is_at_or_below(path: str, page: str) -> bool:
    """Whether a path is that of a page or of something that belongs to it, such as its PDF."""
    return re.fullmatch(rf"{re.escape(page.rstrip('/'))}(?:[/.].*)?", path) is not None


def own_path(address: str) -> str | None:
    """The path of an address in this portal; None if the address leads elsewhere, or to a place on the same page."""
    try:
        parts = urlsplit(address)
        is_own = bool(parts.netloc) and _host_and_port(parts) == _host_and_port(urlsplit(settings.PORTAL_URL))
    except ValueError:  # such as http://[
        return None
    if is_own and parts.scheme in ("", *DEFAULT_PORTS):
        return unquote(parts.path) or "/"
    if address.startswith(("//", "#", "?")) or re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE):
        return None
    return unquote(parts.path)


def _host_and_port(parts: SplitResult) -> tuple[str, int | None]:
    """Where an address leads; the port is None if it is the one that its scheme has anyway."""
    port = None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port
    return (parts.hostname or "").rstrip("."), port


def _problem_with_link(address: str, linking: Any) -> str:
    """Why a visitor cannot follow a link, once the record that has it is published; empty if they can."""
    path = own_path(address)
    if path is None:
        return _problem_elsewhere(address)
    if not path.startswith("/"):
        return f"leads nowhere. An address in this portal begins with a slash: /{path}"
    if path.startswith(STAFF_PAGES):
        return "leads to a page that only staff can open"
    if "\0" in path:
        return "leads nowhere"
    names = _names_in(path)
    if names is None and not path.endswith("/"):  # the portal redirects to the address with a slash
        names = _names_in(path := f"{path}/")
    if names is not None and (not names or "format" in names):  # a page, or a download, that is always there
        return ""
    target = _record_at(path, names or {}) or _moved_record(path)
    if target is None:
        return "leads nowhere"
    if target == linking or _visitors_see(target):
        return ""
    return f"leads to “{target}”, which only staff can see. Publish that first, or remove the link"


def _problem_elsewhere(address: str) -> str:
    """Why visitors cannot follow a link that leads out of this portal, as far as the address alone tells."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "leads nowhere"
    if parts.scheme == "mailto":
        return "" if "@" in parts.path else "leads to no email address"
    if parts.scheme not in DEFAULT_PORTS:
        return ""
    if not re.fullmatch(r"[\w.:-]+", host):  # colons are those of IPv6
        return "leads nowhere"
    return "leads to a server that only your own network can reach" if _is_of_own_network(host) else ""


def _is_of_own_network(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:  # it is a name
        return "." not in host or host.endswith(NAMES_OF_NETWORKS)


def _names_in(path: str) -> dict[str, Any] | None:
    """What the portal's URLs take from a path, such as a slug; None if none of them is like it."""
    try:
        match: Any = resolve(path)
    except Resolver404:
        return None
    return dict(match.captured_kwargs)


def _record_at(path: str, names: dict[str, Any]) -> Any:
    """The record at whose address, or below it, a path is; None if there is none.

    ``names`` are values of the record's fields, such as its slug, or of a property.
    """
    for model in apps.get_models():
        if hasattr(model, "get_absolute_url") and not hasattr(model, "instance_type"):
            for row in _rows_named(model, names):
                if is_at_or_below(path, row.get_absolute_url()):
                    return row
    return None


def _rows_named(model: Any, names: dict[str, Any]) -> Iterable[Any]:
    if stored := {field.name for field in model._meta.concrete_fields} & names.keys():
        return model._default_manager.filter(**{name: names[name] for name in stored})
    if computed := [name for name in names if isinstance(getattr(model, name, None), property)]:
        rows = model._default_manager.all()  # few: the financial years
        return [row for row in rows if all(getattr(row, name) == names[name] for name in computed)]
    return ()


def _moved_record(path: str) -> Any:
    """The public record that had this address before; None if there is none."""
    old = OldAddress.objects.filter(path=path).first()
    return old.record if old and old.record and _visitors_see(old.record) else None


def _visitors_see(row: Any) -> bool:
    if (public := getattr(type(row).objects, "public", None)) is not None:
        return bool(public().filter(pk=row.pk).exists())
    return bool(getattr(row, "is_public", True))
