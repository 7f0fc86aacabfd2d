"""`manage.py backup TARGET`: everything that the portal keeps, in one file."""

import getpass
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.create import KeyChoice, KeyDestination, make_backup
from vru_portal.operations.backup.keys import require_passphrase
from vru_portal.operations.backup.status import outcome_noted
from vru_portal.operations.backup.verification import try_backup


class Command(BaseCommand):
    """Back up the database, uploads and scans, while the portal runs."""

    help = "Writes the database, uploads and scans to one file, while the portal runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", type=Path, help="a new file, or a folder to create one in")
        parser.add_argument(
            "--keys",
            nargs="+",
            default=["none"],
            metavar=("none | separately FILE | included", ""),
            help="none: leave the keys out (default). separately FILE: write them to another new file. "
            "included: into the backup, encrypted with a passphrase",
        )
        add_passphrase_argument(parser)
        parser.add_argument("--verify", action="store_true", help="restore it to a temporary place and check it there")

    def handle(self, *, target: Path, keys: list[str], verify: bool, **options: Any) -> None:
        """Make the backup; raises CommandError, with a sentence, where it cannot be made or is not good."""
        if target.is_dir():
            target /= f"vru-portal-{timezone.now():%Y%m%dT%H%M%SZ}.tar"
        try:
            choice = parse_key_choice(keys, options["passphrase_file"])
            with outcome_noted(target.resolve()):
                manifest = make_backup(target, choice)
                self.stdout.write(f"{target}: {len(manifest.members)} files, {target.stat().st_size / 2**20:,.1f} MB.")
                for line in try_backup(target, manifest) if verify else ():
                    self.stdout.write(line)
        except (BackupError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            {
                KeyDestination.NONE: f"The register's keys are not in it. They are in {settings.REGISTER_KEYS}: back "
                "that folder up separately. A portal that is restored without them cannot sign.",
                KeyDestination.SEPARATELY: f"The keys are in {choice.path}, unencrypted. Keep that file apart from the "
                "backup.",
                KeyDestination.INCLUDED: "The keys are in it, encrypted. Without the passphrase they cannot be "
                "restored.",
            }[choice.destination]
        )


def add_passphrase_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the passphrase; otherwise BACKUP_PASSPHRASE is used, or you are asked",
    )


def parse_key_choice(words: list[str], passphrase_file: Path | None) -> KeyChoice:
    """The meaning of --keys; raises CommandError if it is unclear."""
    match words:
        case ["none"]:
            return KeyChoice()
        case ["separately", path]:
            return KeyChoice(KeyDestination.SEPARATELY, path=Path(path))
        case ["included"]:
            passphrase = require_passphrase(read_passphrase(passphrase_file, twice=True))
            return KeyChoice(KeyDestination.INCLUDED, passphrase=passphrase)
    raise CommandError("Write --keys none, --keys separately FILE, or --keys included.")


def read_passphrase(file: Path | None, *, twice: bool = False) -> str:
    """The passphrase from a file, the environment or the terminal. Raises CommandError where there is none."""
    if file:
        try:
            return (file.read_text().splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read.") from error
    if passphrase := os.environ.get("BACKUP_PASSPHRASE"):
        return passphrase
    if not sys.stdin.isatty():
        raise CommandError("The keys need a passphrase. Set BACKUP_PASSPHRASE, or name a file with --passphrase-file.")
    passphrase = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Once more: ") != passphrase:
        raise CommandError("The two passphrases differ.")
    return passphrase
