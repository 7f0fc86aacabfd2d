"""A mail server that trickles cannot hold up the queue, in the clear or with TLS."""

import smtplib
import socketserver
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from django.core.mail import EmailMessage, get_connection

from tests.support.processes.certificates import certificate
from tests.support.processes.mail_server import MailServer
from vru_portal.links import smtp

BACKEND = "vru_portal.links.smtp.EmailBackend"
TOO_LONG = 20  # seconds


class Server(socketserver.ThreadingTCPServer):
    """What is said first, and how the connection is encrypted."""

    daemon_threads = True
    greeting: bytes
    context: ssl.SSLContext


class Trickle(socketserver.BaseRequestHandler):
    """Says the first part of a reply, then a byte of the rest now and then."""

    server: Server

    def handle(self):
        until = time.monotonic() + TOO_LONG
        try:
            self.request.sendall(self.server.greeting)
            while time.monotonic() < until:
                self.request.sendall(b"2")
                time.sleep(0.05)
        except OSError:
            pass


class TrickleWithTLS(Trickle):
    """The same, encrypted from the beginning."""

    def setup(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)

    def finish(self):
        self.request.close()


@contextmanager
def trickling(handler, greeting, context=None):
    """The port of a mail server that never comes to an end."""
    with Server(("127.0.0.1", 0), handler) as server:
        server.greeting, server.context = greeting, context
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def send(port, host="127.0.0.1", **options):
    connection = get_connection(BACKEND, host=host, port=port, timeout=5, **options)
    return EmailMessage("Subject", "Text", "a@moor.example", ["b@moor.example"], connection=connection).send()


@pytest.mark.parametrize("greeting", [b"", b"220 ready\r\n"], ids=["from its greeting on", "after its greeting"])
def test_a_conversation_that_takes_too_long_fails_as_one_that_is_cut_off(monkeypatch, greeting):
    monkeypatch.setattr(smtp, "SECONDS_FOR_CONVERSATION", 0.5)
    began = time.monotonic()
    with trickling(Trickle, greeting) as port, pytest.raises(smtplib.SMTPServerDisconnected):
        send(port)
    assert time.monotonic() - began < TOO_LONG / 2


def test_a_conversation_with_tls_that_takes_too_long_fails_too(monkeypatch, tmp_path):
    monkeypatch.setattr(smtp, "SECONDS_FOR_CONVERSATION", 0.5)
    monkeypatch.setattr(smtp.EmailBackend, "ssl_context", certificate(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "portal.pem", tmp_path / "portal.key")
    began = time.monotonic()
    with trickling(TrickleWithTLS, b"220 ready\r\n", context) as port, pytest.raises(smtplib.SMTPServerDisconnected):
        send(port, host="localhost", use_ssl=True)
    assert time.monotonic() - began < TOO_LONG / 2


def test_one_that_is_quick_leaves_nothing_behind():
    with MailServer() as server:
        assert send(server.port) == 1
        assert len(server.taken) == 1
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer) and thread.is_alive()]
