from django.apps import AppConfig
from django.contrib import admin


class PortalConfig(AppConfig):
    """What all apps share, and the pages that draw on several of them."""

    name = "vru_portal"

    def ready(self) -> None:
        """Name the admin for what it is."""
        admin.site.site_header = admin.site.site_title = "VRU Portal: staff"
        admin.site.index_title = "Records"
