from django.urls import path

from events.declarations import views

app_name = "declarations"
urlpatterns = [path("declaration/", views.declaration, name="declaration")]
