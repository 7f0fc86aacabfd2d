from django.urls import path, re_path

from programmes.results.views import journey, public

app_name = "results"
urlpatterns = [
    path("results/", public.results, name="results"),
    path("results/<str:label>/returns.xlsx", public.workbook, name="workbook"),
    # These are never cached or indexed (`settings.PRIVATE_PATHS`). The mailed link comes last: its secret would match
    # the names of the other pages.
    path("results/return/", journey.start, name="return"),
    path("results/return/figures/<slug:slug>/", journey.figure, name="figure"),
    path("results/return/words/", journey.words, name="words"),
    path("results/return/check/", journey.check, name="check"),
    path("results/return/sent/", journey.sent, name="sent"),
    path("results/return/take-back/", journey.take_back, name="take_back"),
    path("results/return/<str:secret>/", journey.open_link, name="open"),
    # Some mail programs add the text after the link to its address.
    re_path(r"^results/return/(?P<secret>[-\w]{43})/.+$", journey.open_link),
]
