import argparse
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from events.declarations.register import audit, kept_outside, log


class Command(BaseCommand):
    """Check the declaration's register, print its newest checkpoint, or give it a new key."""

    help = "verify: check every row. checkpoint: print the newest checkpoint. rotate-key: make a new key."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=["verify", "checkpoint", "rotate-key"])

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            {"verify": self.verify, "checkpoint": self.checkpoint, "rotate-key": self.rotate_key}[action]()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def verify(self) -> None:
        """Check the whole register and print each fault; exit with 1 if there is any."""
        is_faulty = False
        for fault in audit.find_faults():
            self.stderr.write(self.style.ERROR(fault))
            is_faulty = True
        kept_outside.require_no_rollback()
        if is_faulty:
            sys.exit(1)
        self.stdout.write("The register is complete. Its newest checkpoint:\n\n" + log.newest_checkpoint())

    def checkpoint(self) -> None:
        """Print the newest checkpoint, to publish where others keep it."""
        self.stdout.write(log.newest_checkpoint(), ending="")

    def rotate_key(self) -> None:
        key = log.rotate_key()
        self.stdout.write(f"The register now signs with {key.vkey}")
        self.stdout.write(
            f"Back up {log.key_path(key.vkey)} separately from the database. If it is lost, it cannot be restored."
        )
