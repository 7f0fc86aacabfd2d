"""The admin site: for active staff accounts which have, where one is required, signed in with a second factor."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, cast

from allauth.account.views import login
from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import BadRequest, ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from vru_portal.accounts import ended_sessions, roles, second_factor
from vru_portal.accounts.ended_sessions import say_why_ended
from vru_portal.permissions import has_model_permission
from vru_portal.staff.interrupted_forms import offer_interrupted_form, store_interrupted_form
from vru_portal.staff.menu import in_order_of_use

LONGEST_NEXT_URL = 5_000  # characters: room for a list's query, which is encoded again


class StaffSite(AdminSite):
    """The admin. Signing in and out are allauth's pages, in the admin's design (`accounts.urls`)."""

    site_header = site_title = "VRU Portal: staff"
    index_title = "Records"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor.is_satisfied(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"second_factor_off": not second_factor.is_required()}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Lazy, and worked out once a request, because it checks the permissions of every model."""
        app_lists: dict[str | None, Any] = request.__dict__.setdefault("app_lists", {})
        if app_label not in app_lists:
            by_name = partial(super().get_app_list, request, app_label)
            app_lists[app_label] = SimpleLazyObject(lambda: in_order_of_use(by_name()))
        return app_lists[app_label]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        title = {"title": apps.get_app_config(app_label).verbose_name}  # Django's adds "administration"
        return super().app_index(request, app_label, title | (extra_context or {}))

    def get_urls(self) -> list[Any]:
        """Put our `view_on_site` before Django's, which lets anybody ask which records exist."""
        address = "r/<path:content_type_id>/<path:object_id>/"
        return [path(address, self.admin_view(self.view_on_site), name="view_on_site"), *super().get_urls()]

    def view_on_site(self, request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
        """Redirect to a record's public page. A draft is not found, except for those who may view it in the admin."""
        try:
            kind = ContentType.objects.get(pk=content_type_id)
            row = kind.get_object_for_this_type(pk=object_id) if kind.model_class() else None
        except (ObjectDoesNotExist, ValidationError, ValueError) as error:
            raise Http404("There is no such record.") from error
        if row is None or not (
            getattr(row, "is_public", False) or has_model_permission(request.user, "view", type(row))
        ):
            raise Http404("There is no such record.")
        return shortcut(request, content_type_id, object_id)

    def forbidden(self, request: HttpRequest) -> HttpResponse:
        """The page for staff who lack a permission: which roles there are, and who can give them."""
        own_roles = set(request.user.groups.values_list("name", flat=True))
        context = {
            **self.each_context(request),
            "title": "You cannot open this page",
            "mine": [role.name for role in roles.ROLES if role.name in own_roles],
            "others": [role for role in roles.ROLES if role.name not in own_roles],
            "administrators": [str(user.get_full_name() or user) for user in roles.administrators()],
        }
        return render(request, "admin/forbidden.html", context, status=403)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Store a form that was sent with an expired session, and offer it once its author has signed in again."""

        @wraps(view)
        def view_or_offer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return offer_interrupted_form(request, self) or view(request, *args, **kwargs)

        checked_view = super().admin_view(view_or_offer, cacheable)  # redirects to signing in where necessary

        @say_why_ended
        @wraps(checked_view)
        def storing_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and not request.user.is_authenticated:
                store_interrupted_form(request)
            return checked_view(request, *args, **kwargs)

        return storing_view

    def in_admin_design(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a view of allauth's so that its page looks like the admin's."""

        @wraps(view)
        def view_in_admin_design(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            method = request.method
            if len(request.GET.get(REDIRECT_FIELD_NAME, "")) > LONGEST_NEXT_URL:
                raise BadRequest("The web address to continue to is too long.")  # the page would repeat it
            if method == "HEAD":
                request.method = "GET"  # allauth would count a HEAD request as an attempt to guess a password
            try:
                response: HttpResponseBase = view(request, *args, **kwargs)
            finally:
                request.method = method
            if isinstance(response, TemplateResponse):
                own = self.each_context(request) | {"why_sign_in": ended_sessions.sentence_for(request)}
                response.context_data = own | (response.context_data or {})
            return response

        return view_in_admin_design

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in; or, for somebody who has signed in, lead to the next missing step, such as a second factor."""
        user, next_url = request.user, self.next_url(request)
        if not user.is_authenticated:
            return cast(HttpResponse, self.in_admin_design(login)(request))
        if not (user.is_active and user.is_staff):
            return HttpResponseRedirect(reverse("account_logout"))
        if second_factor.is_satisfied(request):
            return HttpResponseRedirect(next_url)
        return second_factor.redirect_to_account_page(request, second_factor.page_to_complete(request), next_url)

    def next_url(self, request: HttpRequest) -> str:
        """Where somebody was going: on this portal, and nowhere else."""
        url = request.GET.get(REDIRECT_FIELD_NAME, "")
        is_safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=settings.ADDRESS.is_secure)
        return url if is_safe else reverse("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("account_logout"), status=307)  # 307 keeps the method, POST

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("account_change_password"))

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("admin:index"))
