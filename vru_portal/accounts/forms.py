"""The forms of passkeys. allauth limits them together with codes, which somebody could guess."""

from typing import Any

from allauth.mfa.webauthn import forms
from allauth.mfa.webauthn.internal import auth


class UnlimitedPasskeyMixin:
    """A passkey cannot be guessed. It works however many wrong codes somebody has entered."""

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]  # type: ignore[attr-defined]
        auth.parse_authentication_response(credential)
        return auth.complete_authentication(self.user, credential)  # type: ignore[attr-defined]


class PasskeyForm(UnlimitedPasskeyMixin, forms.AuthenticateWebAuthnForm):
    """Signs in with a passkey, after the password."""


class PasskeyAgainForm(UnlimitedPasskeyMixin, forms.ReauthenticateWebAuthnForm):
    """Confirms with a passkey that it is still the same person."""
