"""Email through a mail server, with a deadline for the whole conversation.

The timeout of a socket (EMAIL_TIMEOUT) begins again with each byte: a server that sends one now and then would hold the
queue up for hours.
"""

import smtplib
import socket
from contextlib import suppress
from threading import Timer
from typing import Any

from django.core.mail.backends import smtp

SECONDS_FOR_CONVERSATION = 120


class SMTPWithDeadline(smtplib.SMTP):
    """A conversation that is cut off once its time is up: waiting for a reply then raises SMTPException."""

    end: Timer | None = None
    is_cut_off = False

    def getreply(self) -> tuple[int, bytes]:
        """Wait for a reply; the first is the server's greeting. One that was cut off does not count."""
        if self.end is None:
            self.end = Timer(SECONDS_FOR_CONVERSATION, self.cut_off)
            self.end.daemon = True
            self.end.start()
        reply = super().getreply()
        if self.is_cut_off:
            self.close()
            raise smtplib.SMTPServerDisconnected("The mail server took too long.")
        return reply

    def cut_off(self) -> None:
        self.is_cut_off = True
        if connection := self.sock:
            with suppress(OSError):  # it has just been closed
                # also of a connection with TLS, whose own method must not run beside one that reads
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def close(self) -> None:
        if self.end is not None:
            self.end.cancel()
        super().close()


class SMTPOverTLSWithDeadline(SMTPWithDeadline, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""


class EmailBackend(smtp.EmailBackend):
    """Sends email as Django does, with that deadline."""

    @property
    def connection_class(self) -> Any:
        return SMTPOverTLSWithDeadline if self.use_ssl else SMTPWithDeadline
