#!/usr/bin/env python
"""Django's command line for the portal; `manage.py serve` starts all of it."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from vru_portal.operations.backup.lock import hold_for_command


def main() -> None:
    """Run a management command, kept apart from a restore.

    A missing or wrong setting, or a restore that is under way, ends it with one sentence, not a traceback.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")
    try:
        if sys.argv[1:] and not sys.argv[1].startswith("-"):  # such as --version
            hold_for_command(sys.argv[1])
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"The portal cannot start: {error}")


if __name__ == "__main__":
    main()
