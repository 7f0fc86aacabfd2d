"""Email through a mail server that may take only so long over all it says.

The timeout of a socket (EMAIL_TIMEOUT) begins again with each byte: a server that sends one now and then would hold the
queue up for hours.
"""

import smtplib
import socket
from contextlib import suppress
from threading import Timer
from typing import Any

from django.core.mail.backends import smtp

SECONDS_TO_TALK = 120


class Hasty(smtplib.SMTP):
    """A conversation that is cut off some time after it began; whoever waits for a reply gets an SMTPException."""

    end: Timer | None = None
    is_cut_off = False

    def getreply(self) -> tuple[int, bytes]:
        """Wait for a reply, first of all the server's greeting. Half of one is none."""
        if self.end is None:
            self.end = Timer(SECONDS_TO_TALK, self.cut_off)
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


class HastyWithTLS(Hasty, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""


class EmailBackend(smtp.EmailBackend):
    """Sends email as Django does, in conversations that end."""

    @property
    def connection_class(self) -> Any:
        return HastyWithTLS if self.use_ssl else Hasty
