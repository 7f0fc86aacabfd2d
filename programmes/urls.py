from django.urls import path

from programmes import views

app_name = "programmes"
urlpatterns = [
    # Named here for `reverse`. vru_portal/urls.py answers the first three and the news itself, with data of other apps.
    path("initiatives/", views.initiatives, name="initiatives"),
    path("initiatives/<slug:slug>/", views.initiative, name="initiative"),
    path("prevention/<slug:slug>/", views.level, name="level"),
    path("news/", views.stories, name="stories"),
    path("news/<slug:slug>/", views.story, name="story"),
    path("pictures/<slug:slug>/", views.picture, name="picture"),
    path("documents/<slug:slug>/", views.document, name="document"),
]
