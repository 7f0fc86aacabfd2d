"""Addresses: a contract, they stay once published. `/healthz` and `/readyz` are answered in `middleware`."""

from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

from funding.querysets import with_status
from programmes.views import about, initiative, initiatives, level
from vru_portal import views, writing
from vru_portal.catalogue import Catalogue
from vru_portal.search_admin import search
from vru_portal.sitemaps import PublicPages
from vru_portal.start import changes_page, start_page

urlpatterns = [
    path("", views.home, name="home"),
    path("about/", about, name="about"),
    # The pages of programmes that say how far an initiative has come, which only the money knows.
    path("initiatives/", initiatives, {"asked": Catalogue}),
    path("initiatives/<slug:slug>/", initiative, {"annotate": with_status}),
    path("prevention/<slug:slug>/", level, {"annotate": with_status}),
    path("", include("programmes.urls")),
    path("", include("funding.urls")),
    path("", include("partners.urls")),
    path("", include("events.urls")),
    path("", include("events.declarations.urls")),
    path("admin/", admin.site.admin_view(start_page), name="staff_start"),
    path("admin/changes/", admin.site.admin_view(changes_page), name="staff_changes"),
    path("admin/search/", admin.site.admin_view(search), name="staff_search"),
    path("admin/markdown/", admin.site.admin_view(writing.preview), name="admin_markdown"),
    path("admin/link/", admin.site.admin_view(writing.links), name="admin_link"),
    path("admin/account/", include("vru_portal.account_urls")),
    path("admin/", admin.site.urls),
    path("brand.css", views.brand, name="brand"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", sitemap, {"sitemaps": {"pages": PublicPages}}, name="sitemap"),
]
handler403 = "vru_portal.views.not_allowed"
handler404 = "vru_portal.views.not_found"
