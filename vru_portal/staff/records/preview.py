"""The preview: the public page of a record as it will be once it is published."""

import copy
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import resolve
from django.views.decorators.clickjacking import xframe_options_sameorigin

from vru_portal.publishing import pending_changes, workflow
from vru_portal.publishing.related_drafts import related_drafts
from vru_portal.publishing.state import PUBLISH
from vru_portal.staff.admin_links import action_url, change_url
from vru_portal.staff.records.publishing_actions import as_sentence

# The widths of screens at which a preview can be looked at, in CSS pixels.
WIDTHS = {"phone": 375, "tablet": 768, "desktop": 1280}


def allow_framing(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
    """Let a page of this portal, and no other, show the answer in a frame."""
    return xframe_options_sameorigin(csp_replace({"frame-ancestors": ["'self'"]})(view))


def preview_page(request: HttpRequest, root: Any) -> HttpResponse:
    """The page that shows the record, exactly as the public will get it, under a strip that says it is a preview.

    The drafts that the record names are shown, too, as they can be published together with it. Raises ValidationError
    with what blocks publishing if there would be no such page.
    """
    drafts = related_drafts(root)
    try:
        with pending_changes.viewing_with_pending_change(root, as_published=True, together=drafts):
            record = type(root)._default_manager.get(pk=root.pk)
            strip = {
                "record": root,
                "edit": change_url(root),
                "drafts": drafts,
                "widths": {} if "framed" in request.GET else {name: f"?width={name}" for name in WIDTHS},
                "missing": workflow.publishing_blockers(root) + workflow.blockers_of_drafts(drafts),
            }
            if request.user.has_perm(PUBLISH):
                strip["publish"] = action_url(root, "publish")
            response = _public_response(request, record.public_address, strip)
    except (IntegrityError, Http404) as error:
        blockers = workflow.all_publishing_blockers(root, together=drafts)
        raise ValidationError(blockers or [f"There is no page that shows {root}."]) from error
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def _public_response(request: HttpRequest, url: str, strip: dict[str, Any]) -> HttpResponse:
    """Call the view of a public page as for an anonymous visitor, and render it.

    It must be rendered at once: the pending change is visible only as long as the caller's context manager is open.
    """
    match = resolve(urlsplit(url).path)
    public_request = copy.copy(request)
    public_request.method, public_request.user, public_request.resolver_match = "GET", AnonymousUser(), match
    public_request.GET = public_request.POST = QueryDict()
    public_request.path = public_request.path_info = urlsplit(url).path
    public_request.preview = strip  # type: ignore[attr-defined]
    response = match.func(public_request, *match.args, **match.kwargs)
    if response.status_code in (301, 302):  # such as from a section to its latest year
        return _public_response(request, response["Location"], strip)
    return response.render() if hasattr(response, "render") else response


class PreviewPages:
    """The preview of a record in the admin: its page, in a frame as wide as a screen, or a file that has no page."""

    def preview_view(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.find_root(object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            if hasattr(row, "file") and "file" not in request.GET:
                return self._file_preview(request, row)
            if "framed" in request.GET:
                return allow_framing(preview_page)(request, row)
            if request.GET.get("width") in WIDTHS:
                return self._preview_in_frame(request, row, request.GET["width"])
            return preview_page(request, row)
        except ValidationError as error:
            context = {
                **self.admin_site.each_context(request),
                "title": "No preview yet",
                "opts": self.opts,
                "original": row,
                "back": change_url(row),
                "reasons": [as_sentence(message) for message in error.messages],
            }
            return TemplateResponse(request, "admin/record/no_preview.html", context)

    def _preview_in_frame(self: Any, request: HttpRequest, row: Any, name: str) -> HttpResponse:
        """The preview as it is on a screen of this width."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Preview: {name}",
            "opts": self.opts,
            "original": row,
            "width": WIDTHS[name],
            "widths": WIDTHS,
        }
        return TemplateResponse(request, "admin/record/preview_in_frame.html", context)

    def _file_preview(self: Any, request: HttpRequest, row: Any) -> HttpResponse:
        """Show a picture or document, which has no public page of its own."""
        with pending_changes.viewing_with_pending_change(row):
            context = {
                **self.admin_site.each_context(request),
                "title": "Preview",
                "opts": self.opts,
                "original": self.model._default_manager.get(pk=row.pk),
                "is_picture": hasattr(row, "alternative_text"),
            }
            return TemplateResponse(request, "admin/record/file_preview.html", context).render()
