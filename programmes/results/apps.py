from django.apps import AppConfig


class ResultsConfig(AppConfig):
    """What came of the programme."""

    name = "programmes.results"
    verbose_name = "Results"
