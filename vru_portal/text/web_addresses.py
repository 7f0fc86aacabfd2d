"""Web addresses as people paste them, without what mail programs and other sites have made of them.

Outlook, mail filters and Google replace links by ones that lead past a server of theirs. Such a link stops working one
day, and Outlook's states to everybody the mailbox that the email was sent to.
"""

import re
import unicodedata
from html import unescape
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from vru_portal.text.characters import remove_invisible
from vru_portal.text.cleaning import UNSEEN

AROUND_ADDRESSES = ("<>", "()", '""', "''", "\u201c\u201d", "\u2018\u2019")
MAX_DETOURS = 5  # a link that was forwarded leads past the server of each mailbox
SAFE_LINKS = ".safelinks.protection.outlook.com"
GOOGLE = re.compile(r"www\.google\.(?:com|co\.uk)")
# Proofpoint wrote % as - and / as _; since then it puts an asterisk for some characters, which it names behind.
PROOFPOINT_V2 = str.maketrans("-_", "%/")
PROOFPOINT_V3 = re.compile(r"/v3/__(?P<address>[^*]+?)__;")
A_DETOUR = re.compile(
    r"https?://(?:[\w-]+\.safelinks\.protection\.outlook\.com/|www\.google\.(?:com|co\.uk)/url\?"
    r"|urldefense(?:\.proofpoint)?\.(?:com|us)/v[23]/|l\.facebook\.com/l\.php\?)"
    r"[^\s<>\"\])]*[^\s<>\"\]).,;:!?]",
    re.ASCII,
)
NOT_IN_MARKDOWN = re.compile(r"[\s<>()\"\\]")


def normalise_web_address(text: str) -> str:
    """A web address as it is stored: without invisible characters and what stands around it, and leading straight."""
    plain = unicodedata.normalize("NFC", remove_invisible(text)).strip()
    address = "".join(c for c in plain if c not in UNSEEN)
    if len(address) > 1 and address[0] + address[-1] in AROUND_ADDRESSES:
        address = address[1:-1].strip()
    address = address.rstrip(".,;")
    return _straight(address) if A_DETOUR.match(address) else address


def without_detours(text: str) -> str:
    """A text in which each link leads straight to where it ends up."""
    return A_DETOUR.sub(lambda found: _straight(found[0]), text)


def _straight(address: str) -> str:
    for _ in range(MAX_DETOURS):
        try:
            target = _target(urlsplit(unescape(address)))
        except ValueError:
            break
        if not target.startswith(("https://", "http://")):
            break
        address = target
    return NOT_IN_MARKDOWN.sub(lambda found: quote(found[0]), address)


def _target(address: SplitResult) -> str:
    """Where a link leads past the server that it names; empty if it leads nowhere else."""
    host, query = address.hostname or "", parse_qs(address.query)
    if host.endswith(SAFE_LINKS):
        return query.get("url", [""])[0]
    if GOOGLE.fullmatch(host) and address.path == "/url":
        return query.get("q", query.get("url", [""]))[0]
    if host == "l.facebook.com":
        return query.get("u", [""])[0]
    if host == "urldefense.proofpoint.com" and "u" in query:
        return unquote(query["u"][0].translate(PROOFPOINT_V2))
    if host.startswith("urldefense.") and (found := PROOFPOINT_V3.search(address.geturl())):
        return found["address"]
    return ""
