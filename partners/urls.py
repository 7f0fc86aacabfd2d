from django.urls import path

from partners import views

app_name = "partners"
urlpatterns = [
    path("partners/", views.directory, name="directory"),
    path("partners/<slug:slug>/", views.organisation, name="organisation"),
    path("people/<slug:slug>/", views.person, name="person"),
    path("messages/<slug:slug>/", views.statement, name="statement"),
    path("publications/", views.publications, name="publications"),
    # Named here for `reverse`. vru_portal/urls.py answers it itself, with the facts of all apps.
    path("publications/<slug:slug>/", views.publication, name="publication"),
    path("contact/", views.contact, name="contact"),
    path("privacy/", views.privacy, name="privacy"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("cookies/", views.cookies, name="cookies"),
    path("complaints/", views.complaints, name="complaints"),
    path(".well-known/security.txt", views.security, name="security"),
]
