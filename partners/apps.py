from django.apps import AppConfig


class PartnersConfig(AppConfig):
    """Who: the unit, its partners, the people and what they published."""

    name = "partners"
