"""Signatories without a browser: what a link that was mailed leads to, over HTTP, as fast as the portal answers."""

import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import urlencode

DETAILS, CHECK = "/declaration/sign/details/", "/declaration/sign/check/"
RECEIPT, READ = "/declaration/sign/receipt/", "/declaration/sign/"
ANSWERS = {
    "who": "me",
    "name": "Sam Example",
    "role": "Chair of trustees",
    "authority": "post",
    "name_is_public": "no",
    "authorised": "on",
}
SECONDS = 60


@dataclass
class Answer:
    """What the portal has answered."""

    status: int
    leads_to: str
    text: str

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of its last form."""
        form = self.text.rpartition("<form")[2]
        fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        return {name: unescape(value) for name, value in fields}


@dataclass
class Visitor:
    """One browser's cookies and connection."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Send one request; keep the cookies."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            text = response.read().decode()
        finally:
            self.connection.close()  # hundreds of visitors wait between two pages
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return Answer(response.status, response.headers.get("Location", ""), text)

    def send(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form."""
        return self.ask("POST", path, urlencode(fields))

    def begin(self, secret: str) -> dict[str, str]:
        """Open a link and read; return the hidden fields of the page that asks who signs."""
        opened = self.ask("GET", f"/declaration/sign/{secret}/")
        assert (opened.status, opened.leads_to) == (303, READ), opened
        self.page(READ)
        return self.page(DETAILS).hidden

    def answer(self, form: dict[str, str]) -> None:
        """Say who signs, and be led to the last page."""
        answer = self.send(DETAILS, form)
        assert (answer.status, answer.leads_to) == (303, CHECK), answer

    def last_page(self) -> dict[str, str]:
        """Return what the last button sends."""
        return self.page(CHECK).hidden

    def fill_in(self, secret: str) -> dict[str, str]:
        """Open a link, read, and come as far as the last page; return what its button sends."""
        self.answer(self.begin(secret) | ANSWERS)
        return self.last_page()

    def page(self, path: str) -> Answer:
        """Return a page that is there."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer

    def press(self, fields: dict[str, str]) -> Answer:
        """Press the last button, whatever comes of it."""
        return self.send(CHECK, fields)

    def sign(self, fields: dict[str, str]) -> None:
        """Press the last button, and be led to the receipt."""
        answer = self.press(fields)
        assert (answer.status, answer.leads_to) == (303, RECEIPT), answer

    def receipt(self) -> str:
        """Return the receipt as a file that `verify.py` reads."""
        return self.page("/declaration/sign/receipt.json").text
