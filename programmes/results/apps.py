from django.apps import AppConfig


class ResultsConfig(AppConfig):
    """The results of the programme."""

    name = "programmes.results"
    verbose_name = "Results"
