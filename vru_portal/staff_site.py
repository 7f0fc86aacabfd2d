"""Staff's pages: for accounts that are active, and that have shown a second factor where one is required."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.views import login
from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from vru_portal import kept_text, roles, second_factor


class StaffSite(AdminSite):
    """The admin; who signs in, and how, is said by account_urls."""

    site_header = site_title = "VRU Portal: staff"
    index_title = "Records"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may be here at all."""
        return super().has_permission(request) and second_factor.is_satisfied(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Say on every page where no second factor is asked for."""
        return super().each_context(request) | {"second_factor_off": not second_factor.required()}

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what staff keep of one kind, under its plain name."""
        title = {"title": apps.get_app_config(app_label).verbose_name}
        return super().app_index(request, app_label, title | (extra_context or {}))

    def get_urls(self) -> list[Any]:
        """Put the door to a record's public page before Django's, which opens for everybody."""
        address = "r/<path:content_type_id>/<path:object_id>/"
        return [path(address, self.admin_view(self.view_on_site), name="view_on_site"), *super().get_urls()]

    def view_on_site(self, request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
        """Lead to a record's page; where the public does not see it, whoever may look at such records in the admin."""
        try:
            kind = ContentType.objects.get(pk=content_type_id)
            row = kind.get_object_for_this_type(pk=object_id) if kind.model_class() else None
        except (ObjectDoesNotExist, ValidationError, ValueError) as error:
            raise Http404("There is no such record.") from error
        may_view = request.user.has_perm(f"{kind.app_label}.view_{kind.model}")
        if row is None or not (getattr(row, "is_public", False) or may_view):
            raise Http404("There is no such record.")
        return shortcut(request, content_type_id, object_id)

    def forbidden(self, request: HttpRequest) -> HttpResponse:
        """Say to a colleague that this is not theirs to do, and whose it is."""
        mine = set(request.user.groups.values_list("name", flat=True))
        context = {
            **self.each_context(request),
            "title": "This is not open to you",
            "mine": [role.name for role in roles.ROLES if role.name in mine],
            "others": [role for role in roles.ROLES if role.name not in mine],
            "administrators": [str(user.get_full_name() or user) for user in roles.administrators()],
        }
        return render(request, "admin/forbidden.html", context, status=403)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Keep what was typed in a session that has ended, and show it once its writer is back."""

        @wraps(view)
        def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return kept_text.offer(request, self) or view(request, *args, **kwargs)

        admitted = super().admin_view(kept, cacheable)

        @wraps(admitted)
        def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and not request.user.is_authenticated:
                kept_text.keep(request)
            return admitted(request, *args, **kwargs)

        return keeping

    def worn_by(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Let a page of the account look as staff's pages do."""

        @wraps(view)
        def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            asked = request.method
            if asked == "HEAD":  # which allauth would count as a guess at a password
                request.method = "GET"
            try:
                response: HttpResponseBase = view(request, *args, **kwargs)
            finally:
                request.method = asked
            if isinstance(response, TemplateResponse):
                response.context_data = self.each_context(request) | (response.context_data or {})
            return response

        return dressed

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign somebody in, or lead who is signed in to what is still missing."""
        user, then = request.user, self.destination(request)
        if not user.is_authenticated:
            return cast(HttpResponse, self.worn_by(login)(request))
        if not (user.is_active and user.is_staff):
            return HttpResponseRedirect(reverse("account_logout"))
        if second_factor.is_satisfied(request):
            return HttpResponseRedirect(then)
        return second_factor.lead_on(request, second_factor.missing(request), then)

    def destination(self, request: HttpRequest) -> str:
        """Return where somebody was going: on this portal, and nowhere else."""
        then = request.GET.get(REDIRECT_FIELD_NAME, "")
        secure = settings.ADDRESS.is_secure
        safe = url_has_allowed_host_and_scheme(then, {request.get_host()}, require_https=secure)
        return then if safe else reverse("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign out as the pages of the account do."""
        return HttpResponseRedirect(reverse("account_logout"), status=307)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Lead to the page of the account."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Lead to the start page: the change says itself that it is done."""
        return HttpResponseRedirect(reverse("admin:index"))
