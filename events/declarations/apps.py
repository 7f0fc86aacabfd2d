from django.apps import AppConfig


class DeclarationsConfig(AppConfig):
    """The promise: declarations and their wording."""

    name = "events.declarations"
