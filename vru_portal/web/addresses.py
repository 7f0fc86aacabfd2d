"""The whole addresses of the portal's pages and files, for readers elsewhere: in files, emails, feeds and calendars."""

from django.conf import settings


def full_url(path: str) -> str:
    return f"{settings.PORTAL_URL}{path}"
