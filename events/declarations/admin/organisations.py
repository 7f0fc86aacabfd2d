from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events.declarations.admin.base import DeclarationActionAdmin, short_date_or_dash
from events.declarations.models import Head, SignatoryBody
from events.declarations.register import log
from vru_portal.staff.actions import Section
from vru_portal.staff.admin_links import admin_link


@admin.register(SignatoryBody)
class SignatoryBodyAdmin(DeclarationActionAdmin):
    """Organisations that were asked to sign or have signed. What the register shows is corrected by an entry."""

    list_display = ("name", "sector", "organisation")
    list_filter = ("sector",)
    list_select_related = ("sector", "organisation")
    search_fields = ("name",)
    autocomplete_fields = ("sector", "organisation")
    fields = ("name", "sector", "organisation")

    def get_readonly_fields(self, request: HttpRequest, obj: SignatoryBody | None = None) -> tuple[str, ...]:
        # The register shows both, so only a "corrected" entry may change them.
        return ("name", "sector") if obj and obj.entries.exists() else ()

    def save_model(self, request: HttpRequest, obj: SignatoryBody, form: Any, change: bool) -> None:
        # It may have signed while the form was open: then its name and sector stay.
        if change and Head.objects.exists():
            log.lock_head()
            if obj.entries.exists():
                obj.refresh_from_db(fields=["name", "sector"])
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: SignatoryBody | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.entries.exists())

    def notice(self, request: HttpRequest, row: SignatoryBody) -> str:
        if not row.entries.exists():
            return ""
        return (
            "This organisation is in the register. To correct its name or sector, go to the page of its signature's "
            "entry."
        )

    def sections(self, request: HttpRequest, row: SignatoryBody | None) -> list[Section]:
        if row is None:
            return []
        invitations = row.invitations.select_related("version__declaration", "body")[:50]
        entries = row.entries.select_related("version__declaration")[:50]
        return [
            Section(
                "Invitations",
                ("Version", "State", "Sent to", "Can be used until"),
                [
                    (
                        str(invitation.version),
                        admin_link(invitation, invitation.get_state_display()),
                        invitation.email,
                        short_date_or_dash(invitation.closes_on),
                    )
                    for invitation in invitations
                ],
                empty="This organisation was not invited.",
            ),
            Section(
                "In the register",
                ("Entry", "Kind", "Version", "Date"),
                [
                    (
                        admin_link(entry),
                        entry.get_kind_display(),
                        str(entry.version),
                        short_date_or_dash(entry.recorded_at),
                    )
                    for entry in entries
                ],
                empty="The register has no entries for this organisation.",
            ),
        ]
