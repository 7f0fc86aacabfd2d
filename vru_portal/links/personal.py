"""Who was sent requests, and what they typed: finding it for subject access requests, and erasing it."""

from collections.abc import Iterator
from typing import Any, cast

from django.apps import apps
from django.db import transaction
from django.db.models import Field, Q, QuerySet

from vru_portal.links.models import LinkDraft

PERSONAL_IN_MAILS, PERSONAL_IN_TOKENS = ("to", "error", "message_id"), ("sha256", "mailbox")


def draft_models() -> Iterator[type[LinkDraft]]:
    return (model for model in apps.get_models() if issubclass(model, LinkDraft))


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
    """All rows about a person by title. ``whose`` is their email address or, if that is not known, their name."""
    found: dict[str, list[Any]] = {}
    if not (text := whose.strip()):
        return found
    for model in draft_models():
        names = (*model.addresses, "mails__to") if "@" in text else model.names
        asked = Q()
        for name in names:
            asked |= Q(**{f"{name}__iexact": text})
        manager: Any = model._default_manager
        drafts = manager.filter(pk__in=manager.filter(asked).values("pk")).order_by("pk")
        of_draft, of_mails, of_tokens = model.titles
        found[of_draft] = [*drafts]
        found[of_mails] = [mail for draft in drafts for mail in draft.mails.order_by("pk")]
        found[of_tokens] = [token for draft in drafts for token in draft.tokens.order_by("pk")]
    return found


def forget_drafts(due: QuerySet[Any]) -> int:
    """Erase the people, emails and links of requests, and what was typed; returns how many.

    Each is locked first, and left alone if it is no longer ``due``: staff may have extended it meanwhile.
    """
    pks = list(due.values_list("pk", flat=True))
    return sum(forget_draft(due, pk) for pk in pks)


@transaction.atomic
def forget_draft(due: QuerySet[Any], pk: int) -> bool:
    drafts: Any = due.model._default_manager
    draft = drafts.select_for_update().filter(pk=pk).first()
    if draft is None or not due.filter(pk=pk).exists():
        return False
    draft.mails.all().delete()
    draft.tokens.all().delete()
    texts = (*draft.addresses, *draft.names, *draft.texts)
    blank = {name: cast(Field[Any, Any], draft._meta.get_field(name)).get_default() for name in texts}
    drafts.filter(pk=pk).update(state=draft.state_once_erased, **blank)
    return True
