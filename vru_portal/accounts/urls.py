"""The pages for signing in and for one's own account.

allauth's other pages are left out on purpose: there is no sign-up and no password reset by email.
"""

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

from vru_portal.accounts.email_preferences import choose_emails
from vru_portal.accounts.ended_sessions import say_why_ended
from vru_portal.accounts.second_factor import refuse_to_remove_last_passkey, require_steps_before


def sign_in_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """Show allauth's page in the admin's layout, and let no browser cache it."""
    return never_cache(admin.site.in_admin_design(view))  # type: ignore[attr-defined]


def account_page(view: Callable[..., Any], step: str = "") -> Callable[..., Any]:
    """Likewise, for those who are signed in and have completed the steps before this one; by default, all of them."""
    return sign_in_page(say_why_ended(login_required(require_steps_before(view, step))))


urlpatterns = [
    # Signing in and out, and confirming it again before a sensitive action
    path("login/", sign_in_page(account.login), name="account_login"),
    path("login/second-factor/", sign_in_page(mfa.authenticate), name="mfa_authenticate"),
    path("logout/", sign_in_page(account.logout), name="account_logout"),
    path("again/", sign_in_page(account.reauthenticate), name="account_reauthenticate"),
    path("again/second-factor/", sign_in_page(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("again/passkey/", sign_in_page(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    # One's own account
    path(
        "password/",
        account_page(account.password_change, step="account_change_password"),
        name="account_change_password",
    ),
    path("emails/", account_page(choose_emails), name="account_emails"),
    path("second-factor/", account_page(mfa.index, step="mfa_index"), name="mfa_index"),
    path("second-factor/app/", account_page(totp.activate_totp, step="mfa_index"), name="mfa_activate_totp"),
    path("second-factor/app/remove/", account_page(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-factor/codes/", account_page(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", account_page(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("second-factor/codes/file/", account_page(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("second-factor/passkeys/", account_page(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("second-factor/passkeys/add/", account_page(passkeys.add_webauthn, step="mfa_index"), name="mfa_add_webauthn"),
    path("second-factor/passkeys/<int:pk>/", account_page(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path(
        "second-factor/passkeys/<int:pk>/remove/",
        account_page(refuse_to_remove_last_passkey(passkeys.remove_webauthn)),
        name="mfa_remove_webauthn",
    ),
]
