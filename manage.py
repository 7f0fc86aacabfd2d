#!/usr/bin/env python
"""Django's command line for the portal; `manage.py serve` starts all of it."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Run a management command. A missing or wrong setting ends it with one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"The portal cannot start: {error}")


if __name__ == "__main__":
    main()
