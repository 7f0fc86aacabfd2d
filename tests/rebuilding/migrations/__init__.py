"""Funding's own migrations, and those beside this file."""

from pathlib import Path

from django.conf import settings

OWN = Path(settings.BASE_DIR) / "funding" / "migrations"
__path__.append(str(OWN))
LAST = max(path.stem for path in OWN.glob("0*.py"))
