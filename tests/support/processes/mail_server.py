"""A mail server that says what a test wants it to say, and keeps what it takes: `with MailServer(answer) as server`."""

import socketserver
import threading
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

TAKE = "250 taken"
HANG_UP = "hang up"  # the mail is taken; the answer is lost on its way
Answer = Callable[[str, int], str]


class Conversation(socketserver.StreamRequestHandler):
    """What one client says: as much of RFC 5321 as a client needs."""

    server: "MailServer"

    def handle(self) -> None:
        """Talk until it ends."""
        self.say("220 ready")
        to = ""
        while line := self.rfile.readline().decode().strip():
            match line.split(":")[0].split()[0].upper():
                case "EHLO" | "HELO":
                    self.say("250 mail.example")
                case "MAIL":
                    self.say(self.server.sender)
                case "RCPT":
                    to = line.split("<")[1].split(">")[0]
                    said = self.server.answer_to(to)
                    self.say(TAKE if said == HANG_UP else said)
                case "DATA":
                    self.say("354 go on")
                    self.server.keep(b"".join(iter(self.rfile.readline, b".\r\n")))
                    if self.server.said[to] == HANG_UP:
                        return
                    self.say(TAKE)
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def say(self, words: str) -> None:
        """Answer."""
        self.wfile.write(f"{words}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Answers each recipient as ``answer(mailbox, attempt)`` says: with a line of SMTP, or HANG_UP."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Answer = lambda to, attempt: TAKE) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.answer, self.attempts, self.said = answer, Counter[str](), dict[str, str]()
        self.sender = TAKE  # the answer for every sender
        self.taken: list[EmailMessage] = []
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def answer_to(self, to: str) -> str:
        """Return the answer for a recipient this time."""
        with self.lock:
            self.attempts[to] += 1
            self.said[to] = self.answer(to, self.attempts[to])
            return self.said[to]

    def keep(self, data: bytes) -> None:
        """Keep a mail."""
        with self.lock:
            self.taken.append(message_from_bytes(data.replace(b"\r\n..", b"\r\n."), policy=policy.default))

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that was killed."""

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        """End, with every conversation."""
        self.shutdown()
        self.server_close()
