import subprocess
import sys
from pathlib import Path

from django.core.exceptions import ValidationError

from programmes.uploads.refusals import CAN_RUN_COMMANDS, CANNOT_BE_CHECKED

INSPECTOR = Path(__file__).with_name("pdf_inspector.py")
MAX_SECONDS = 20  # by the clock; the inspector limits its own computing time more tightly


def check_pdf(content: bytes) -> None:
    """Refuse a PDF that can act by itself or carries other files, or that cannot be checked for that."""
    try:
        # -I: the program needs nothing of the portal, and nothing in the environment can change what it does.
        inspection = subprocess.run(  # noqa: S603 - a program of the portal, without arguments from a person
            [sys.executable, "-I", str(INSPECTOR)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValidationError(CANNOT_BE_CHECKED) from error
    match inspection.stdout.strip():
        case b"harmless":
            return
        case b"active":
            raise ValidationError(CAN_RUN_COMMANDS)
        case _:
            raise ValidationError(CANNOT_BE_CHECKED)
