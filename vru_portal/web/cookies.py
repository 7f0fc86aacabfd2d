"""The portal's own cookies. Django's, of sessions and forms, have their settings.

Over HTTPS, all names begin with `__Host-`: browsers then accept a cookie only if this very host sets it, over HTTPS and
for all of its paths. A neighbouring subdomain cannot plant one.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

OWN = ("session_changes", "known_device", "signing", "return", "onward")


def may_hold_own_cookie(header: str) -> bool:
    """Whether a Cookie header may hold a cookie of the portal. To be safe, a name that contains one of ours counts."""
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, *map(_full_name, OWN))
    return any(name in header for name in names)


def read_cookie(request: HttpRequest, name: str) -> str:
    """What a cookie holds; an empty string if there is none."""
    return request.COOKIES.get(_full_name(name), "")


def set_cookie(response: HttpResponse, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that no script can read, for so many seconds or until the browser is closed."""
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(_full_name(name), value, max_age=seconds, secure=secure, httponly=True, **_scope())


def delete_cookie(response: HttpResponse, name: str) -> None:
    response.delete_cookie(_full_name(name), **_scope())


def _full_name(name: str) -> str:
    if name not in OWN:
        raise ValueError(f"Add {name} to OWN in {__name__}: a request with it must not be answered from memory.")
    return f"{settings.COOKIE_PREFIX}{name}"


def _scope() -> dict[str, Any]:
    return {"path": "/", "samesite": "Lax"}
