from django.apps import AppConfig


class DeclarationsConfig(AppConfig):
    """The declaration, its signatures and their public register."""

    name = "events.declarations"
