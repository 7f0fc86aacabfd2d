"""Who gets past the password: in this session a second factor was used, and the account still has one."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

# Recovery codes are none by themselves: they stand in for one of these.
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def required() -> bool:
    """Return whether staff need one: everywhere but on the embedded default."""
    return bool(settings.SECOND_FACTOR_REQUIRED)


def missing(request: HttpRequest) -> str:
    """Return the name of the page that somebody who is signed in has to go to first; empty where there is none."""
    if not is_mfa_enabled(request.user, FACTORS):
        return "mfa_index"
    return "" if was_used(request) else "mfa_reauthenticate"


def was_used(request: HttpRequest) -> bool:
    """Return whether one was used in this session: it may be older than the factor."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))


def is_satisfied(request: HttpRequest) -> bool:
    """Return whether nothing more is asked of somebody who is signed in."""
    return not required() or not missing(request)


def lead_on(request: HttpRequest, page: str, then: str) -> HttpResponse:
    """Lead to a page of the account, and from there to where somebody was going."""
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': then})}")


def note_new_one(request: HttpRequest, user: Any, authenticator: Authenticator, **options: Any) -> None:
    """Take the factor that somebody sets up as used: they have just proved that they hold it."""
    if request is not None and authenticator.type in FACTORS:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


def is_last(authenticator: Authenticator) -> bool:
    """Return whether an account would be left without any."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
    return authenticator.type in FACTORS and not others.exclude(pk=authenticator.pk).exists()


def only_after_it(view: Callable[..., Any], *, to_set_up: bool = False) -> Callable[..., Any]:
    """Keep a page of the account from who has a second factor and has not used it in this session.

    Who has none yet gets to the pages that set one up, where it is required, and to no other.
    """

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            page = missing(request)
            if page == "mfa_reauthenticate" or (page and required() and not to_set_up):
                return lead_on(request, page, request.path)
        return view(request, *args, **kwargs)

    return kept


def keep_the_last(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse to remove a passkey where no other factor would be left, and say so on the page that lists them."""

    @wraps(view)
    def kept(request: HttpRequest, pk: int) -> Any:
        found = Authenticator.objects.filter(pk=pk, user_id=request.user.pk).first()
        if found and not get_adapter().can_delete_authenticator(found):
            messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
            return HttpResponseRedirect(reverse("mfa_list_webauthn"))
        return view(request, pk=pk)

    return kept
