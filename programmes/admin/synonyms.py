from django.contrib import admin

from programmes.models import Synonym
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.staff.help import help_link


@admin.register(Synonym)
class SynonymAdmin(PortalAdmin):
    """Words that search takes for the same."""

    list_display = ("__str__", "pages_say")
    search_fields = ("typed", "found")
    fieldsets = ((None, {"description": help_link("search"), "fields": ["typed", "found"]}),)

    @admin.display(description="pages say", ordering="found")
    def pages_say(self, row: Synonym) -> str:
        return ", ".join(row.found_lines)
