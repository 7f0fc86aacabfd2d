"""Emails written to files, where there is no mail server."""

import stat
from email import message_from_bytes, policy

from django.utils import timezone

from events.declarations.models import Mail
from tests.events.declarations.emails.worker import content, invited, later, work
from vru_portal.links.models import Delivery
from vru_portal.web.mail_files import EmailBackend


def test_without_a_server_each_mail_is_a_file_that_a_mail_program_opens_and_only_its_owner_reads(
    clock, settings, tmp_path
):
    settings.EMAIL_BACKEND = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"
    settings.EMAIL_FILE_PATH = tmp_path / "var" / "mail"
    sent = invited(5)
    work()
    files = sorted(settings.EMAIL_FILE_PATH.iterdir())
    assert {file.suffix for file in files} == {".eml"}
    read = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert {message["Message-ID"] for message in read} == {row.message_id for row in sent}
    assert all("asks Body" in content(message) for message in read)
    assert stat.S_IMODE(settings.EMAIL_FILE_PATH.stat().st_mode) == 0o700
    Mail.objects.update(delivery=Delivery.WAITING, due_at=timezone.now())  # killed before it was noted
    later(clock, minutes=1)
    assert sorted(settings.EMAIL_FILE_PATH.iterdir()) == files


def test_a_folder_that_cannot_be_written_keeps_mail_waiting(clock, settings, tmp_path):
    settings.EMAIL_BACKEND = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"
    settings.EMAIL_FILE_PATH = tmp_path / "file" / "mail"
    (tmp_path / "file").write_text("in the way")
    invited(1)
    work()
    row = Mail.objects.get()
    assert (row.delivery, "NotADirectoryError" in row.error) == (Delivery.WAITING, True)
