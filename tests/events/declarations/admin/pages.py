"""Addresses of the declaration's staff pages, and what their tests share."""

from events.declarations.models import (
    Entry,
    Head,
    LiveSignature,
    PersonalRecord,
    RegisterKey,
    TreeNode,
)

ADMIN_PATH = "/admin/declarations"


def page_path(model, row=None, action="change"):
    """The path of a model's list, or of the page for an action on one row."""
    name = model if row is None else f"{model}/{row.pk}/{action}"
    return f"{ADMIN_PATH}/{name}/"


def register_rows():
    """All rows that the register consists of."""
    models = (Entry, Head, TreeNode, LiveSignature, PersonalRecord, RegisterKey)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def bulk_action_form(action, rows, **fields):
    return {"action": action, "_selected_action": [row.pk for row in rows], **fields}
