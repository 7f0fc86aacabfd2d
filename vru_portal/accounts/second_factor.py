"""The second factor of staff: it has to be used in this session, and the account must still have one.

Somebody who has signed in with a password may have further steps to complete before anything else opens to them.
"""

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

from vru_portal.accounts import first_password, totp_secrets
from vru_portal.accounts.sessions import end_sessions

# Recovery codes are not a factor by themselves: they replace one of these.
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def is_required() -> bool:
    """Whether staff need a second factor: everywhere except with the embedded default."""
    return bool(settings.SECOND_FACTOR_REQUIRED)


def page_to_complete(request: HttpRequest) -> str:
    """The name of the page of the next step for somebody who has given a password; empty if none is left.

    First they show that they are who they are, then they choose a password of their own, then they set up a factor.
    """
    has_factor = is_mfa_enabled(request.user, FACTORS)
    if has_factor and not was_used_in_session(request):
        return "mfa_reauthenticate"
    if first_password.is_to_be_changed(request):
        return "account_change_password"
    return "" if has_factor else "mfa_index"


def was_used_in_session(request: HttpRequest) -> bool:
    """Whether a factor was used in this session, which may have begun before the account had one."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))


def is_satisfied(request: HttpRequest) -> bool:
    """Whether the admin is open to somebody who is signed in: without a second factor, where none is required."""
    if not is_required():
        return not first_password.is_to_be_changed(request)
    return not page_to_complete(request)


def redirect_to_account_page(request: HttpRequest, page: str, then: str) -> HttpResponse:
    """Redirect to a page of the account, and from there to where somebody was going."""
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': then})}")


def record_new_factor_as_used(request: HttpRequest, user: Any, authenticator: Authenticator, **options: Any) -> None:
    """Count a factor that was just set up as used: setting it up proves possession."""
    if request is not None and authenticator.type in FACTORS:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


def is_last_factor(authenticator: Authenticator) -> bool:
    """Whether the account would be left without a factor if this one were removed."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
    return authenticator.type in FACTORS and not others.exclude(pk=authenticator.pk).exists()


def reset(user: Any) -> None:
    """Remove all second factors of an account, and end its sessions."""
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user)


def require_steps_before(view: Callable[..., Any], step: str) -> Callable[..., Any]:
    """Close a page of the account to anyone who has an earlier step to complete, and redirect them to it.

    ``step`` is the page of the step that the view belongs to; empty if it is for those who have completed all of them.
    Where no second factor is required, setting one up is not a step.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            page = page_to_complete(request)
            if page not in ("", step) and (page != "mfa_index" or is_required()):
                return redirect_to_account_page(request, page, request.path)
        try:
            return view(request, *args, **kwargs)
        except totp_secrets.KeyLost as error:
            messages.error(request, error.messages[0])
            return HttpResponseRedirect(reverse("mfa_index"))

    return checked


def refuse_to_remove_last_passkey(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse to remove a passkey where no other factor would be left. A message on the list of passkeys says so."""

    @wraps(view)
    def checked(request: HttpRequest, pk: int) -> Any:
        passkey = Authenticator.objects.filter(pk=pk, user_id=request.user.pk).first()
        if passkey and not get_adapter().can_delete_authenticator(passkey):
            messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
            return HttpResponseRedirect(reverse("mfa_list_webauthn"))
        return view(request, pk=pk)

    return checked
