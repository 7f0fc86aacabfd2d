from django.urls import path

from funding import views

app_name = "funding"
urlpatterns = [
    path("funding/", views.latest, name="latest"),
    path("funding/<str:label>/", views.year, name="year"),
]
