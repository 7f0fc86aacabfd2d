"""What the log says, in the form in which operators get it."""

import logging

from vru_portal.logs import DowngradeClientErrors, line_formatter


class Lines(logging.Handler):
    """Collects formatted lines while they are logged, with what is bound to them at that moment."""

    def __init__(self, *, as_json: bool = False) -> None:
        super().__init__()
        self.setFormatter(line_formatter(as_json=as_json))
        self.addFilter(DowngradeClientErrors())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
