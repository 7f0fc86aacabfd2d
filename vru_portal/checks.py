"""System checks of how the portal is set up. `manage.py check` and `serve` show what they find."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

TAG = "portal"


def check_trusted_proxies(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """HTTPS ends at a proxy. Unless the portal knows of it, everybody seems to have the proxy's address."""
    if not settings.ADDRESS.is_secure or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "PORTAL_URL begins with https, so a proxy is in front of the portal, but TRUSTED_PROXIES is 0: all "
            "visitors count as one, and share the limits on signing in, asking to sign and requesting costly pages.",
            hint="Set TRUSTED_PROXIES to the number of proxies that each request passes through, usually 1.",
            id="vru_portal.W001",
        )
    ]
