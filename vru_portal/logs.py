"""What the portal logs: one line for each event (`log_lines`), without secrets and without what people typed."""

import logging

from django.core.exceptions import BadRequest, ImproperlyConfigured, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from vru_portal.log_lines import OneLine

# Errors of clients: the portal is not at fault, so nobody needs a traceback.
CLIENTS_FAULTS = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
# Errors whose messages are about the portal and its machine. Others may quote a name, an address or a whole row.
QUOTABLE = (OperationalError, InterfaceError, ImproperlyConfigured, ImportError, AttributeError, NameError, TypeError)


def line_formatter(*, as_json: bool = False) -> OneLine:
    return OneLine(as_json=as_json, quotable=QUOTABLE)


class DowngradeClientErrors(logging.Filter):
    """Logs an error of a client, such as a made-up host or a broken body, as a warning without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], CLIENTS_FAULTS):
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
        return True


class CountExceptions(logging.Handler):
    """Counts logged errors for the metrics, whichever process they happen in."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] and record.levelno >= logging.ERROR:
            from vru_portal import metrics  # the library is loaded only where something is counted

            metrics.counts.exceptions.labels(record.exc_info[0].__name__).inc()
