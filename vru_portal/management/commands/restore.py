"""`manage.py restore ARCHIVE`: put what is in a backup in the place of the portal's data."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vru_portal.management.commands.backup import add_passphrase_argument, read_passphrase
from vru_portal.operations.backup import archive
from vru_portal.operations.backup.archive import Archive, BackupError, open_archive
from vru_portal.operations.backup.keys import Keys, decrypt, read_keys_file
from vru_portal.operations.backup.restore import restore_backup


class Command(BaseCommand):
    """Restore a backup: all of it, or nothing."""

    help = "Restores a backup of this portal, which must be stopped: all of it, or nothing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, help="a file that `manage.py backup` has made")
        parser.add_argument("--replace", action="store_true", help="move this portal's data aside")
        parser.add_argument(
            "--keys", type=Path, metavar="FILE", help="the file that `backup --keys separately` has made"
        )
        parser.add_argument(
            "--without-keys", action="store_true", help="do not restore the keys that are in the backup"
        )
        add_passphrase_argument(parser)

    def handle(self, *, archive: Path, replace: bool, **options: Any) -> None:
        """Restore it; raises CommandError, with a sentence, where nothing was restored."""
        try:
            with open_archive(archive) as opened:
                restored = restore_backup(opened, find_keys(opened, **options), replace=replace)
        except BackupError as error:
            raise CommandError(str(error)) from error
        manifest = restored.manifest
        self.stdout.write(f"Restored the backup of {manifest.made_at}, made by version {manifest.portal}.")
        if restored.aside:
            self.stdout.write(
                f"What was there is now in {' and '.join(restored.aside)}. Delete it once you have checked the portal."
            )
        if restored.erased_again:
            self.stdout.write(f"Erased the personal data of {restored.erased_again} records again.")
        for warning in restored.warnings:
            self.stderr.write(f"Signing is closed. {warning}")
        self.stdout.write("Start the portal. Then check it with manage.py register verify and manage.py reconcile.")


def find_keys(
    opened: Archive, *, keys: Path | None, without_keys: bool, passphrase_file: Path | None, **options: Any
) -> Keys:
    """The keys to restore: from a file, from the backup, or none."""
    if keys:
        return read_keys_file(keys)
    if without_keys or archive.KEYS not in opened.offsets:
        return Keys()
    return decrypt(opened.content(archive.KEYS), read_passphrase(passphrase_file))
