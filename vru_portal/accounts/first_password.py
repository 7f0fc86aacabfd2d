"""A password that somebody else has set for an account: its owner has to choose another before anything opens.

The account has a row that says so. Each session notes it when it begins, so that no page has to query the tables; none
is older than the row, since setting somebody's password ends their sessions.
"""

from typing import Any

from allauth.account.forms import ChangePasswordForm
from django import forms
from django.http import HttpRequest

from vru_portal.models import FirstPassword

SESSION_ENTRY = "first_password"


def require_another(user: Any) -> None:
    """Have the account's owner choose a password at the next sign-in."""
    FirstPassword.objects.get_or_create(user=user)


def is_to_be_changed(request: HttpRequest) -> bool:
    return SESSION_ENTRY in request.session


def note_in_session(request: HttpRequest, user: Any, **options: Any) -> None:
    """Called when somebody has signed in."""
    if FirstPassword.objects.filter(user=user).exists():
        request.session[SESSION_ENTRY] = True


def note_change(request: HttpRequest, user: Any, **options: Any) -> None:
    """Called when somebody has changed their own password."""
    FirstPassword.objects.filter(user=user).delete()
    request.session.pop(SESSION_ENTRY, None)


class PasswordForm(ChangePasswordForm):
    """Changes one's own password. The new one must be different."""

    def clean_password1(self) -> str:
        password: str = self.cleaned_data["password1"]
        if self.user.check_password(password):
            raise forms.ValidationError("This is the password you have now. Choose another one.")
        return password
