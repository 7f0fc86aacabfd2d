from django.urls import path

from funding import downloads, views

app_name = "funding"
urlpatterns = [
    path("funding/", views.latest, name="latest"),
    path("payments/", views.payments, name="all_payments"),
    path("payments/totals/", views.totals, name="totals"),
    path("funding/360giving/<slug:slug>.<str:format>", downloads.grants_file, name="giving"),
    path("funding/headings/<slug:slug>/", views.heading, name="heading"),
    path("funding/allocations/<str:public_id>/", views.allocation, name="allocation"),
    path("funding/<str:label>/", views.year, name="year"),
    path("funding/<str:label>/payments/", views.payments, name="payments"),
    path("funding/<str:label>/decisions/", views.decisions, name="decisions"),
    path("funding/<str:label>/report.pdf", downloads.year_report, name="report"),
]
