from django.apps import AppConfig


class PortalConfig(AppConfig):
    """What all apps share, and the pages that draw on several of them."""

    name = "vru_portal"
