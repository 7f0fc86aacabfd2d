"""Limits on asking, guessing and repeating: by address or by link, counted under keyed hashes.

A link that works is limited by itself alone: an invited signatory is never locked out by whoever shares their address,
as all of a council or of the NHS may. Opening a page writes nothing to the database, whatever its link is worth.
"""

import ipaddress
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_smart_ratelimit.backends.base import BaseBackend
from django_smart_ratelimit.backends.database import DatabaseBackend
from django_smart_ratelimit.backends.memory import MemoryBackend

NETWORK = 64  # bits of an IPv6 address that one household or office has to itself


class TooMany(Exception):  # noqa: N818 - what it is, not what went wrong
    """Somebody did something too often: they can do it again after this many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Again in {seconds} seconds.")
        self.seconds = seconds

    @property
    def minutes(self) -> int:
        """The minutes to wait, rounded up."""
        return -(-self.seconds // 60)


@dataclass(frozen=True)
class Limit:
    """So many times in so many seconds."""

    name: str
    most: int
    seconds: int = 3600
    in_memory: bool = False  # by each process for itself: where counting in the database would make a reader write

    def require(self, whose: str) -> None:
        """Raise TooMany where it was done too often; writes nothing."""
        if self.backend.get_count(self.key(whose), self.seconds) >= self.most:
            raise TooMany(self.seconds - int(timezone.now().timestamp()) % self.seconds)

    def note(self, whose: str) -> None:
        """Count one more."""
        self.backend.incr(self.key(whose), self.seconds)

    def count(self, whose: str) -> None:
        """Raise TooMany where it was done too often; otherwise count one more. Refusing writes nothing."""
        self.require(whose)
        self.note(whose)

    @property
    def backend(self) -> BaseBackend:
        """What counts."""
        return memory() if self.in_memory else database()

    def key(self, whose: str) -> str:
        """Return under what it is counted: nobody can read an address or a link from it."""
        return f"{self.name}:{salted_hmac('events.declarations.limits', whose, algorithm='sha256').hexdigest()}"


ASKING = Limit("ask", most=30)  # requests to sign, from an address
WRONG_LINKS = Limit("link", most=120, in_memory=True)  # links that open nothing, from an address
ANSWERS = Limit("answer", most=60)  # forms sent by a link
WITHDRAWING = Limit("withdraw", most=10)  # asking for the link that withdraws, by a receipt's link


@cache
def memory() -> MemoryBackend:
    """Return what counts in this process alone."""
    counter = MemoryBackend(fail_open=True, enable_circuit_breaker=False, enable_background_cleanup=False)
    counter._algorithm = "fixed_window"  # by the hour of the clock, as the database counts: so says `TooMany` it
    return counter


@cache
def database() -> DatabaseBackend:
    """Return what counts for all processes. Where the database cannot, it lets everybody through.

    A limit never stops a signature.
    """
    return DatabaseBackend(fail_open=True, enable_circuit_breaker=False, enable_background_cleanup=False)


def forget() -> int:
    """Drop counts whose time is over; return how many."""
    return sum(database().cleanup_expired().values())


# What the journey calls -----------------------------------------------------------------------------------------------


def asking(request: HttpRequest) -> None:
    """Count a request to sign that somebody sends; raises TooMany."""
    ASKING.count(network_of(request))


def wrong_link(request: HttpRequest) -> None:
    """Count a link that opens nothing, whatever is wrong with it; raises TooMany. Never for one that works."""
    WRONG_LINKS.count(network_of(request))


def answering(secret: str) -> None:
    """Count a form that is sent by a link that works; raises TooMany."""
    ANSWERS.count(secret)


def require_answering(secret: str) -> None:
    """Raise TooMany where too many forms were sent by this link. A signature is not counted: it burns its link."""
    ANSWERS.require(secret)


def withdrawing(secret: str) -> None:
    """Count asking for the link that withdraws a signature, by a receipt's link that works; raises TooMany."""
    WITHDRAWING.count(secret)


# Who asks -------------------------------------------------------------------------------------------------------------


def network_of(request: HttpRequest) -> str:
    """Return the client's address; of an IPv6 address its network, since whoever has one has all of it."""
    address = client_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, NETWORK), strict=False))
    return str(address)


def client_address(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the client's address as the outermost of the trusted proxies saw it.

    Each proxy adds to X-Forwarded-For, at its end, whom it was asked by; whatever stands before was sent by the client
    and counts for nothing. Where the proxies did not write what they must, it is the address that has connected.
    """
    connected = request.META.get("REMOTE_ADDR", "")
    hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), connected]
    seen = hops[-1 - settings.TRUSTED_PROXIES] if len(hops) > settings.TRUSTED_PROXIES else connected
    return parsed(seen) or parsed(connected)


def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address as proxies write it, with or without a port; None for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
