from django.apps import AppConfig


class EventsConfig(AppConfig):
    """When: events, their agenda and who appeared."""

    name = "events"
