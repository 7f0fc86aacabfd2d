from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("events/", views.events, name="events"),
    path("events/<slug:slug>/", views.event, name="event"),
]
