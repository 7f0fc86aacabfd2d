"""An authenticator app, as a person holds one beside the portal."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

PASSWORD = "four-lanterns-on-a-moor"  # noqa: S105 - of people who do not exist
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret: str = KEY, steps: int = 0) -> str:
    """Return what the app shows now, or showed some steps ago."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def give_app(user: Any) -> Authenticator:
    """Let an account have an app, set up a while ago."""
    return TOTP.activate(user, KEY).instance


def sign_in(client: Any, user: Any, *, then: str = "/admin/", steps: int = 0) -> Any:
    """Sign in by the pages, with the app where the account has one; return the last answer."""
    answer = client.post(f"/admin/account/login/?next={then}", {"login": user.get_username(), "password": PASSWORD})
    if answer.status_code == 302 and answer.headers["Location"].startswith("/admin/account/login/second-factor/"):
        answer = client.post("/admin/account/login/second-factor/", {"code": code(steps=steps)})
    return answer
