from django.apps import AppConfig


class FundingConfig(AppConfig):
    """How much: financial years and the sources of their money."""

    name = "funding"
