from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events: their agendas and who appeared. `events.declarations` is an app of its own."""

    name = "events"
