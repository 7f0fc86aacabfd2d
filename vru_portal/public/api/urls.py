from django.urls import path

from vru_portal.public.api import views

app_name = "api"
urlpatterns = [
    path("", views.documentation, name="root"),
    path("openapi.json", views.openapi, name="openapi"),
    path("<slug:name>/", views.rows, name="list"),
    path("<path:rest>", views.unknown, name="unknown"),
]
