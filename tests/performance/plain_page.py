"""The portal's addresses, and the plain page that `speed` compares its pages with."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from vru_portal.urls import handler404, handler500, urlpatterns

TEMPLATE = """<!doctype html><title>{{ title }}</title><ul>{% for row in rows %}<li>{% if row.number %}
<a href="/{{ row.slug }}/">{{ row.name }}</a>{% endif %}</li>{% endfor %}</ul>"""
ROWS = [{"number": number, "slug": f"row-{number}", "name": f"Row & number {number}"} for number in range(1, 101)]
compiled = engines["django"].from_string(TEMPLATE)


def plain_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(compiled.render({"title": "A plain page", "rows": ROWS}, request))


urlpatterns = [path("reference/", plain_page), *urlpatterns]
__all__ = ["handler404", "handler500", "urlpatterns"]
