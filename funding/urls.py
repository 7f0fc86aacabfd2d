from django.urls import path, re_path

from funding import downloads, views
from funding.views import onward

app_name = "funding"
urlpatterns = [
    # These are never cached or indexed (`settings.PRIVATE_PATHS`). The mailed link comes last: its secret would match
    # the names of the other pages.
    path("onward-grants/report/", onward.start, name="onward"),
    path("onward-grants/report/grants/new/", onward.new_grant, name="onward_new"),
    path("onward-grants/report/grants/<slug:key>/", onward.grant, name="onward_grant"),
    path("onward-grants/report/grants/<slug:key>/remove/", onward.remove, name="onward_remove"),
    path("onward-grants/report/file/", onward.upload, name="onward_file"),
    path("onward-grants/report/empty.csv", onward.empty_file, name="onward_empty"),
    path("onward-grants/report/check/", onward.check, name="onward_check"),
    path("onward-grants/report/sent/", onward.sent, name="onward_sent"),
    path("onward-grants/report/take-back/", onward.take_back, name="onward_take_back"),
    path("onward-grants/report/<str:secret>/", onward.open_link, name="onward_open"),
    # Some mail programs add the text after the link to its address.
    re_path(r"^onward-grants/report/(?P<secret>[-\w]{43})/.+$", onward.open_link),
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
