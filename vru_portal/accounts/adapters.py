"""How the portal customises django-allauth, which signs staff in."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.template.defaultfilters import pluralize

from vru_portal.accounts import second_factor, sign_in_throttling, totp_secrets
from vru_portal.web.limits import TooMany


class AccountAdapter(DefaultAccountAdapter):
    """Administrators create accounts, and no email address can give access to one."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": (
            "The username or the password is wrong. After 5 attempts you must wait up to 5 minutes. "
            "If you have forgotten your password, ask an Administrator for a new one."
        ),
        "too_many_login_attempts": "Too many attempts. Wait 5 minutes, then try again.",
        "too_many_guesses": "Too many attempts. Try again in %s.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, *args: Any, **options: Any) -> None:
        """Send nothing: allauth would mail at once, and staff accounts have no email address to mail to."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Limit guesses by this portal's rules: allauth would count those for one name from all networks together."""
        try:
            sign_in_throttling.count_guess(request, credentials["username"])
        except TooMany as error:
            wait = f"{error.minutes} minute{pluralize(error.minutes)}"
            raise self.validation_error("too_many_guesses", wait) from error

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Treat an account that is deactivated or not staff as if it did not exist."""
        user: Any = super().authenticate(request, **credentials)
        if user and user.is_active and user.is_staff:
            sign_in_throttling.forget_guesses(request, credentials["username"])
            return user
        sign_in_throttling.keep_guess(request, credentials["username"])
        return None

    def post_login(self, request: HttpRequest, user: Any, **options: Any) -> Any:
        response = super().post_login(request, user, **options)
        sign_in_throttling.remember_device(request, response, user)
        return response

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Ask for the second factor if there is one: somebody who stole the password could otherwise remove it."""
        methods = super().get_reauthentication_methods(user)
        if is_mfa_enabled(user, second_factor.FACTORS):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return methods

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """Do not ask again soon after signing in, for example to set up a second factor."""
        records = get_authentication_records(context.request, context.request.user)
        return not records or time.time() - records[-1]["at"] > app_settings.REAUTHENTICATION_TIMEOUT


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets are encrypted; and where a second factor is required, the last one cannot be removed."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong or has already been used. Wait for the next code, then enter it.",
        "cannot_delete_authenticator": (
            "You need a second factor, and this is your only one. Add another one before you remove it."
        ),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not (second_factor.is_required() and second_factor.is_last_factor(authenticator))

    def encrypt(self, text: str) -> str:
        return totp_secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return totp_secrets.decrypt(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        """Label the account in the authenticator app with the username."""
        return str(user.get_username())
