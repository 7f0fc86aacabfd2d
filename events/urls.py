from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("events/", views.events, name="events"),
    path("events.ics", views.events_calendar, name="events_calendar"),
    path("events/<slug:slug>/", views.event, name="event"),
    path("events/<slug:slug>/agenda.ics", views.agenda_calendar, name="agenda_calendar"),
    path("events/<slug:slug>/schedule.json", views.schedule, name="schedule"),
]
