import argparse
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from events.declarations.register import audit, log, witness


class Command(BaseCommand):
    """Check the declaration's register, print its newest checkpoint, or give it a new key."""

    help = "verify: checks every row. checkpoint: prints the newest. rotate-key: makes a key, the first one too."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what to do."""
        parser.add_argument("action", choices=["verify", "checkpoint", "rotate-key"])

    def handle(self, *, action: str, **options: Any) -> None:
        """Do it; exits 1 where the register has a fault."""
        try:
            {"verify": self.verify, "checkpoint": self.checkpoint, "rotate-key": self.rotate_key}[action]()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def verify(self) -> None:
        """Read the whole register; stop at the first fault."""
        witness.require_no_rollback()
        for fault in audit.faults():
            self.stderr.write(self.style.ERROR(fault))
            sys.exit(1)
        self.stdout.write("The register is whole. Its newest checkpoint:\n\n" + log.checkpoint())

    def checkpoint(self) -> None:
        """Print the newest checkpoint, to be posted where others keep it."""
        self.stdout.write(log.checkpoint(), ending="")

    def rotate_key(self) -> None:
        """Make a key; say where it lies."""
        key = log.rotate_key()
        self.stdout.write(f"The register signs from now on with {key.vkey}")
        self.stdout.write(
            f"Back up {log.key_path(key.vkey)} apart from the database: it is not made anew when it is lost."
        )
