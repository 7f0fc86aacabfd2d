"""What staff's start page says about the portal's operation."""

from django.conf import settings
from django.http import HttpRequest

from vru_portal.operations.backup.status import BackupStatus
from vru_portal.staff.worklist import WorklistItem
from vru_portal.text.dates import format_datetime


def can_see_backups(request: HttpRequest) -> bool:
    """Whether the reader looks after the portal itself, as Administrators do."""
    return request.user.has_perm("auth.change_user")


def worklist_items(request: HttpRequest, status: BackupStatus) -> list[WorklistItem]:
    """A warning where a backup failed or is too old; none if the portal was never set up to make any."""
    if not can_see_backups(request) or not (settings.MAKES_DAILY_BACKUPS or status.made_at or status.failure):
        return []
    last = f"The last successful backup was made on {format_datetime(status.made_at)}." if status.made_at else ""
    if status.failure:
        return [WorklistItem("The last backup failed", f"{status.failure} {last}".strip(), (), urgent=True)]
    if status.is_too_old:
        explanation = last or "There are no backups yet. The portal makes one as soon as its timer runs."
        return [WorklistItem("There is no recent backup", explanation, (), urgent=True)]
    return []
