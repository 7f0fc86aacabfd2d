from django.apps import AppConfig


class ProgrammesConfig(AppConfig):
    """What: levels of prevention, initiatives, conditions for success, the unit's own words."""

    name = "programmes"
