"""Tables in files: reading, writing, imports.

django-import-export looks through tablib's formats when it is imported, and reads all of openpyxl for that, and odfpy
where that is installed: a fifth of the time that a command of the portal takes to start. Without odfpy it knows no
.ods. `readers` reads both kinds by other means, so tablib need know no more than what they are called.
"""

from tablib.formats import registry


class SpreadsheetFormat:
    """What django-import-export asks of a format: its name, and whether it can be read."""

    def __init__(self, title: str) -> None:
        self.title, self.extensions = title, (title,)
        self.import_set = None  # never called: `readers` reads such files


for title in ("xlsx", "ods"):
    registry.register(title, SpreadsheetFormat(title))
