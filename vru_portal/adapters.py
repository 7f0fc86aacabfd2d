"""What the portal wants otherwise of django-allauth, which signs staff in."""

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

from vru_portal import second_factor


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an Administrator, and have no address that could open them."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": (
            "This name and this password do not belong together. After five tries you have to wait for five minutes. "
            "If you have forgotten your password, ask an Administrator for a new one."
        ),
        "too_many_login_attempts": "That was tried too often. Wait for five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account of their own."""
        return False

    def send_mail(self, *args: Any, **options: Any) -> None:
        """Send nothing: mail of the portal leaves as `events.declarations.mails` says."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Answer of an account that may not enter as of one that does not exist."""
        user: Any = super().authenticate(request, **credentials)
        return user if user and user.is_active and user.is_staff else None

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Ask for the second factor of who has one: the password alone would let a stolen one remove the factor."""
        methods = super().get_reauthentication_methods(user)
        if is_mfa_enabled(user, second_factor.FACTORS):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return methods

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """Ask nobody twice: who has just signed in need not do so again to set up a second factor."""
        records = get_authentication_records(context.request, context.request.user)
        return not records or time.time() - records[-1]["at"] > app_settings.REAUTHENTICATION_TIMEOUT


class SecondFactorAdapter(DefaultMFAAdapter):
    """Where a second factor is required, the last one stays."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong, or was used already. Wait for the next one, then type that.",
        "cannot_delete_authenticator": (
            "This is the only second factor that you have, and you need one. Add another one first, then remove this."
        ),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Refuse to remove the last one."""
        return not (second_factor.required() and second_factor.is_last(authenticator))

    def get_totp_label(self, user: Any) -> str:
        """Name the account by what somebody signs in with."""
        return str(user.get_username())
