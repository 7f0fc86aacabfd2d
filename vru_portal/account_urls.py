"""The pages of signing in, and of one's own account. What is not here does not exist: no sign-up, no reset by mail."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.cache import never_cache

from vru_portal.second_factor import keep_the_last, only_after_it


def entrance(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a page one of the door: kept by no browser."""
    return never_cache(admin.site.worn_by(view))  # type: ignore[attr-defined]


def own(view: Callable[..., Any], *, to_set_up: bool = False) -> Callable[..., Any]:
    """Make a page one's own: for who is signed in with a second factor, and kept by no browser."""
    return entrance(login_required(only_after_it(view, to_set_up=to_set_up)))


urlpatterns = [
    # Signing in and out, and doing it once more before something that matters
    path("login/", entrance(account.login), name="account_login"),
    path("login/second-factor/", entrance(mfa.authenticate), name="mfa_authenticate"),
    path("logout/", entrance(account.logout), name="account_logout"),
    path("again/", entrance(account.reauthenticate), name="account_reauthenticate"),
    path("again/second-factor/", entrance(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("again/passkey/", entrance(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    # One's own account
    path("password/", own(account.password_change), name="account_change_password"),
    path("second-factor/", own(mfa.index, to_set_up=True), name="mfa_index"),
    path("second-factor/app/", own(totp.activate_totp, to_set_up=True), name="mfa_activate_totp"),
    path("second-factor/app/remove/", own(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-factor/codes/", own(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", own(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("second-factor/codes/file/", own(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("second-factor/passkeys/", own(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("second-factor/passkeys/add/", own(passkeys.add_webauthn, to_set_up=True), name="mfa_add_webauthn"),
    path("second-factor/passkeys/<int:pk>/", own(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path(
        "second-factor/passkeys/<int:pk>/remove/",
        own(keep_the_last(passkeys.remove_webauthn)),
        name="mfa_remove_webauthn",
    ),
]
