from django.apps import AppConfig


class FundingConfig(AppConfig):
    """Money: financial years, their sources, allocations and payments."""

    name = "funding"
