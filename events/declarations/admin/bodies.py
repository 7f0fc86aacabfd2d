from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events.declarations.admin.steps import DeclarationStepAdmin, shown_day
from events.declarations.models import Head, SignatoryBody
from events.declarations.register import log
from vru_portal.step_admin import Section, link


@admin.register(SignatoryBody)
class SignatoryBodyAdmin(DeclarationStepAdmin):
    """Bodies that were asked to sign, or have: what the register shows of one is corrected by an entry."""

    list_display = ("name", "sector", "organisation")
    list_filter = ("sector",)
    list_select_related = ("sector", "organisation")
    search_fields = ("name",)
    autocomplete_fields = ("sector", "organisation")
    fields = ("name", "sector", "organisation")

    def get_readonly_fields(self, request: HttpRequest, obj: SignatoryBody | None = None) -> tuple[str, ...]:
        """What stands in the register is not changed silently."""
        return ("name", "sector") if obj and obj.entries.exists() else ()

    def save_model(self, request: HttpRequest, obj: SignatoryBody, form: Any, change: bool) -> None:
        """Save it; where it has signed while the form was open, its name and sector stay."""
        if change and Head.objects.exists():
            log.lock()
            if obj.entries.exists():
                obj.refresh_from_db(fields=["name", "sector"])
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: SignatoryBody | None = None) -> bool:
        """One that stands in the register stays."""
        return super().has_delete_permission(request, obj) and not (obj and obj.entries.exists())

    def notice(self, request: HttpRequest, row: SignatoryBody) -> str:
        """Say how name and sector are corrected."""
        if not row.entries.exists():
            return ""
        return "This body stands in the register: correct its name or sector on the page of the signature's entry."

    def sections(self, request: HttpRequest, row: SignatoryBody | None) -> list[Section]:
        """Return its invitations and its entries."""
        if row is None:
            return []
        invitations = row.invitations.select_related("version__declaration", "body")[:50]
        entries = row.entries.select_related("version__declaration")[:50]
        return [
            Section(
                "Invitations",
                ("Wording", "State", "Sent to", "Can be used until"),
                [
                    (str(one.version), link(one, one.get_state_display()), one.email, shown_day(one.closes_on))
                    for one in invitations
                ],
                empty="It was not invited.",
            ),
            Section(
                "In the register",
                ("Entry", "Kind", "Wording", "Day"),
                [(link(one), one.get_kind_display(), str(one.version), shown_day(one.recorded_at)) for one in entries],
                empty="The register has no entry of it.",
            ),
        ]
