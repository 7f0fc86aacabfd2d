"""The portal's addresses. Once published they never change.

`operations/monitoring/probes.py` answers `/healthz`, `/readyz` and `/metrics`.
"""

from django.contrib import admin
from django.urls import include, path, re_path

from funding.statuses import set_statuses
from partners.views import publication
from programmes.views import about, initiative, initiatives, level, stories
from vru_portal.public import views
from vru_portal.public.catalogue import CatalogueFilters
from vru_portal.public.citations import facts_of
from vru_portal.public.feed import feed
from vru_portal.public.milestones import milestones
from vru_portal.public.search import search_page
from vru_portal.public.social_cards import page_card
from vru_portal.staff.help import help_index, help_page
from vru_portal.workspace import markdown_tools
from vru_portal.workspace.dashboard import start_page
from vru_portal.workspace.recent_changes import changes_page
from vru_portal.workspace.search import search

urlpatterns = [
    path("", views.home, name="home"),
    path("about/", about, name="about"),
    path("search/", search_page, name="search"),
    # Each of these is also declared in its app, without what other apps add to it, such as the status of initiatives,
    # which depends on money. The first match wins.
    path("initiatives/", initiatives, {"filter_class": CatalogueFilters}),
    path("initiatives/<slug:slug>/", initiative, {"add_details": set_statuses}),
    path("prevention/<slug:slug>/", level, {"add_details": set_statuses}),
    path("news/", stories, {"find_milestones": milestones}),
    path("feed.atom", feed, name="feed"),
    path("publications/<slug:slug>/", publication, {"facts_of": facts_of}),
    path("", include("programmes.urls")),
    path("", include("programmes.results.urls")),
    path("", include("funding.urls")),
    path("", include("partners.urls")),
    path("", include("events.urls")),
    path("", include("events.declarations.urls")),
    path("admin/", admin.site.admin_view(start_page), name="staff_start"),
    path("admin/changes/", admin.site.admin_view(changes_page), name="staff_changes"),
    path("admin/search/", admin.site.admin_view(search), name="staff_search"),
    path("admin/help/", admin.site.admin_view(help_index), name="staff_help"),
    path("admin/help/<slug:slug>/", admin.site.admin_view(help_page), name="staff_help_subject"),
    path("admin/markdown/", admin.site.admin_view(markdown_tools.preview), name="admin_markdown"),
    path("admin/link/", admin.site.admin_view(markdown_tools.links), name="admin_link"),
    path("admin/account/", include("vru_portal.accounts.urls")),
    path("admin/", admin.site.urls),
    re_path(r"^cards/(?P<page>(?:.+/)?)card\.png$", page_card, name="card"),
    path("gaps/", views.gaps, name="gaps"),
    path("gaps/<slug:slug>/", views.gap, name="gap"),
    path("brochure/", views.brochure, name="brochure"),
    path("brochure.pdf", views.brochure_pdf, name="brochure_pdf"),
    path("brand.css", views.brand_stylesheet, name="brand"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("api/v1/", include("vru_portal.public.api.urls")),
    # Last: the file of a dataset may have any name that no other file has.
    path("", include("vru_portal.public.open_data.urls")),
]
handler403 = "vru_portal.public.views.permission_denied"
handler404 = "vru_portal.public.views.page_not_found"
handler500 = "vru_portal.public.views.server_failed"
