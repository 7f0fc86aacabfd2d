"""Who was sent requests, and what they typed: finding it for subject access requests, and erasing it.

It is erased when the retention period ends, or earlier if somebody asks. An early erasure is also noted outside the
database, so that the same data is erased again after an older backup was restored.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, Field, OuterRef, Q, QuerySet
from django.utils import timezone

from vru_portal.ledger import erasures
from vru_portal.links.models import LinkDraft

NOTHING_HELD = "This holds no personal data any more."
PERSONAL_IN_MAILS, PERSONAL_IN_TOKENS = ("to", "error", "message_id"), ("sha256", "mailbox")


def draft_models() -> Iterator[type[LinkDraft]]:
    return (model for model in apps.get_models() if issubclass(model, LinkDraft))


def drafts_about(whose: str) -> Iterator[LinkDraft]:
    """Yield the requests about a person. ``whose`` is their email address or, if that is not known, their name."""
    text = whose.strip()
    for model in draft_models() if text else ():
        names = (*model.addresses, "mails__to") if "@" in text else model.names
        asked = Q()
        for name in names:
            asked |= Q(**{f"{name}__iexact": text})
        manager: Any = model._default_manager
        yield from manager.filter(pk__in=manager.filter(asked).values("pk")).order_by("pk")


def personal_fields(model: type[LinkDraft]) -> dict[str, tuple[str, ...]]:
    """The fields of a kind of requests, of its emails and of its links that can hold personal data, by their models.

    `forget_drafts` erases all of them.
    """
    related = {name: model._meta.get_field(name).related_model for name in ("mails", "tokens")}
    return {
        model._meta.label_lower: (*model.addresses, *model.names, *model.texts),
        related["mails"]._meta.label_lower: PERSONAL_IN_MAILS,  # type: ignore[union-attr]
        related["tokens"]._meta.label_lower: PERSONAL_IN_TOKENS,  # type: ignore[union-attr]
    }


def rows_about(whose: str) -> dict[str, list[Any]]:
    """All rows about a person, by title. ``whose`` is as in `drafts_about`."""
    found: dict[str, list[Any]] = {}
    for draft in drafts_about(whose):
        rows = ([draft], draft.mails.order_by("pk"), draft.tokens.order_by("pk"))
        for title, some in zip(draft.titles, rows, strict=True):
            found.setdefault(title, []).extend(some)
    return found


def forget_drafts(due: QuerySet[Any]) -> int:
    """Erase the people, emails and links of the requests that hold any, and what was typed; returns how many.

    Each is locked first, and left alone if it is no longer ``due``: staff may have extended it meanwhile.
    """
    due = with_personal_data(due)
    pks = list(due.values_list("pk", flat=True))
    return sum(forget_draft(due, pk) for pk in pks)


@transaction.atomic
def forget_draft(due: QuerySet[Any], pk: int) -> bool:
    drafts: Any = due.model._default_manager
    draft = drafts.select_for_update().filter(pk=pk).first()
    if draft is None or not due.filter(pk=pk).exists():
        return False
    clear(draft, timezone.now())
    return True


@transaction.atomic
def erase_early(draft: LinkDraft) -> None:
    """Erase what a request holds of people, because somebody asks. Raises ValidationError if it holds nothing."""
    drafts: Any = type(draft)._default_manager
    locked = drafts.select_for_update().get(pk=draft.pk)
    if not holds_personal_data(locked):
        raise ValidationError(NOTHING_HELD)
    at = timezone.now()
    erasures.note_deletion(locked, locked.asked_at, at=at.isoformat())
    clear(locked, at)


def holds_personal_data(draft: LinkDraft) -> bool:
    drafts: Any = type(draft)._default_manager
    return bool(with_personal_data(drafts.filter(pk=draft.pk)).exists())


def with_personal_data(drafts: QuerySet[Any]) -> QuerySet[Any]:
    """The requests that name or quote somebody, or of which there are emails or links."""
    holds = Q()
    for name, nothing in blank_texts(drafts.model).items():
        holds |= ~Q(**{name: nothing})
    for name in ("mails", "tokens"):
        rows: Any = drafts.model._meta.get_field(name).related_model
        holds |= Q(Exists(rows._default_manager.filter(draft=OuterRef("pk"))))
    return drafts.filter(holds)


def blank_texts(model: type[LinkDraft]) -> dict[str, Any]:
    """The fields of a request that hold personal data, and what they hold without any."""
    names = (*model.addresses, *model.names, *model.texts)
    return {name: cast(Field[Any, Any], model._meta.get_field(name)).get_default() for name in names}


def clear(draft: LinkDraft, at: datetime) -> None:
    """Erase the people, emails and links of a request that is locked, and what was typed.

    Whoever is asked afterwards is reminded as often as anybody else.
    """
    draft.mails.all().delete()
    draft.tokens.all().delete()
    drafts: Any = type(draft)._default_manager
    drafts.filter(pk=draft.pk).update(
        state=draft.state_once_erased, reminders=0, sent_at=None, erased_at=at, **blank_texts(type(draft))
    )
    draft.answers_erased()


def reapply_erasures() -> int:
    """After a backup was restored, erase again what had been erased early since it was made; returns how many.

    Within a transaction, in which everything else is erased again, too.
    A request that was erased and then sent to somebody else is left alone.
    """
    models = {str(model._meta.model_name): model for model in draft_models()}
    latest: dict[tuple[str, int, str], datetime] = {}  # a request can be erased, sent to somebody else and erased again
    for noted in erasures.read_lines():
        for name in models.keys() & noted.keys():
            this, at = (name, noted[name], noted["made_at"]), datetime.fromisoformat(noted["at"])
            latest[this] = max(at, latest.get(this, at))
    count = 0
    for (name, pk, made_at), at in latest.items():
        drafts: Any = models[name]._default_manager
        draft = drafts.select_for_update().filter(pk=pk).first()
        is_this = draft and draft.asked_at.isoformat() == made_at
        if is_this and (draft.erased_at is None or draft.erased_at < at):
            clear(draft, at)
            count += 1
    return count
