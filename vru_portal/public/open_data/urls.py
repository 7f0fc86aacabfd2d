from django.urls import path, register_converter

from vru_portal.public.open_data import views


class FileEnding:
    """The ending of a file's name."""

    regex = "[A-Za-z0-9]{1,10}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(FileEnding, "ending")

app_name = "open_data"
urlpatterns = [
    path("data/", views.catalogue, name="catalogue"),
    path("data/catalogue.jsonld", views.dcat, name="dcat"),
    path("data/datapackage.json", views.package, name="package"),
    path("data/<slug:name>/", views.dataset, name="dataset"),
    path("data/<slug:name>/schema.json", views.schema, name="schema"),
    path("funding/<str:label>/<slug:name>.<ending:form>", views.download_of_year, name="download_of_year"),
    path("<slug:name>.<ending:form>", views.download, name="download"),
]
