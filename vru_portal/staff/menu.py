"""The order of the lists of the admin, wherever they are listed: those that staff use every day come first."""

from typing import Any

APP_ORDER = ("programmes", "results", "partners", "events", "funding", "declarations")
# Within an app, in this order; the rest follows by name.
MODEL_ORDER = (
    *("Story", "Picture", "Document", "Initiative", "EvidenceAssessment", "AssessmentDecision", "PreventionLevel"),
    *("ToolkitApproach", "Synonym"),
    *("Return", "ApprovedReturn", "Measure", "Target", "Reporter"),
    *("Person", "Post", "Organisation", "Statement", "Publication", "Unit", "ContactPoint"),
    *("Event", "AgendaItem", "Appearance"),
    *("Payment", "Allocation", "Decision", "Variation", "OnwardRequest", "OnwardGrant"),
    *("FundingSource", "FinancialYear"),
    *("Invitation", "SigningRequest", "PaperSignature", "Entry", "Mail", "DeclarationVersion"),
)


def in_order_of_use(app_list: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The apps and lists that Django has sorted by name, in the order in which staff need them.

    The first to which this person may add something is `opened`: of somebody in Finance, that of payments.
    """
    apps = sorted(app_list, key=lambda app: _place(app["app_label"], APP_ORDER))
    opened = next((app for app in apps if any(model["add_url"] for model in app["models"])), next(iter(apps), None))
    return [
        app
        | {"models": sorted(app["models"], key=lambda model: _place(model["object_name"], MODEL_ORDER))}
        | {"opened": app is opened}
        for app in apps
    ]


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
