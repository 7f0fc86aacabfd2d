from django.urls import path

from funding import downloads, views

app_name = "funding"
urlpatterns = [
    path("funding/", views.latest, name="latest"),
    path("funding/360giving/<slug:slug>.<str:format>", downloads.giving, name="giving"),
    path("funding/allocations/<str:public_id>/", views.allocation, name="allocation"),
    path("funding/<str:label>/", views.year, name="year"),
    path("funding/<str:label>/payments/", views.payments, name="payments"),
    path("funding/<str:label>/<str:list>.<str:format>", downloads.download, name="download"),
]
