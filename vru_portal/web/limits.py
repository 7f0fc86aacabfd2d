"""Rate limits: how often something may be done by one address or with one link, counted under keyed hashes."""

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

# An internet provider usually gives a household or an office a /64: so one client can use all of its addresses.
IPV6_NETWORK_BITS = 64

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class TooMany(Exception):  # noqa: N818 - reads as the condition it reports
    """Something was done too often; it is allowed again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Again in {seconds} seconds.")
        self.seconds = seconds

    @property
    def minutes(self) -> int:
        """The minutes to wait, rounded up."""
        return -(-self.seconds // 60)


@dataclass(frozen=True)
class Limit:
    """At most `most` times within each window of `seconds`, for each person or link."""

    name: str
    most: int
    seconds: int = 3600
    in_memory: bool = False  # counted by each process on its own, where a page view must not write to the database

    def require(self, whose: str) -> None:
        """Raise TooMany if the limit is reached. Writes nothing."""
        if self.backend.get_count(self.key(whose), self.seconds) >= self.most:
            raise TooMany(self.seconds_left)

    @property
    def seconds_left(self) -> int:
        """The seconds until the next window begins."""
        return self.seconds - int(timezone.now().timestamp()) % self.seconds

    def add(self, whose: str) -> int:
        """Add one; returns how many there are now."""
        return self.backend.incr(self.key(whose), self.seconds)

    def count(self, whose: str) -> None:
        """Raise TooMany if the limit is reached, otherwise add one. A refusal writes nothing."""
        self.require(whose)
        if self.add(whose) > self.most:  # others were counted at the same moment
            raise TooMany(self.seconds_left)

    def clear(self, whose: str) -> None:
        self.backend.reset(self.key(whose))

    @property
    def backend(self) -> BaseBackend:
        return memory_backend() if self.in_memory else database_backend()

    def key(self, whose: str) -> str:
        """The key to count under: a keyed hash, so that no address or link can be read from it."""
        # The salt is from when only signing was limited. Another one would reset all counts.
        return f"{self.name}:{salted_hmac('events.declarations.limits', whose, algorithm='sha256').hexdigest()}"


# What costs much of the processor's time (with 20,000 payments half a second for a page, and up to 11 seconds for a
# file). No reader or office reaches these. Nor does a script that fetches every file of every year: files without a
# filter are few, and each is made once for everybody until the content changes.
COSTLY_PAGES = Limit("costly-pages", most=600, in_memory=True)
COSTLY_FILES = Limit("costly-files", most=60, in_memory=True)
CLEANUP_SECONDS = 300  # after which counts in memory that are over are forgotten, as the privacy notice says


def limit_filtered_file(request: HttpRequest, limit: Limit) -> None:
    """Count a file that has to be made, if it has a filter; raises TooMany."""
    if request.GET:
        limit_costly_request(request, limit)


def limit_costly_request(request: HttpRequest, limit: Limit) -> None:
    """Count a request that costs much, for the client's network; raises TooMany.

    The portal asks itself for its own files (`manage.py reconcile`): those requests come from no network.
    """
    if client_address(request) is not None:
        limit.count(client_network(request))


@cache
def memory_backend() -> MemoryBackend:
    backend = MemoryBackend(fail_open=True, enable_circuit_breaker=False, cleanup_interval=CLEANUP_SECONDS)
    # The default is a sliding window. `TooMany.seconds` counts to the end of a fixed one, as the database does.
    backend._algorithm = "fixed_window"
    return backend


@cache
def database_backend() -> DatabaseBackend:
    """Counts for all processes. If the database cannot count, nobody is refused: a limit never stops a signature."""
    return DatabaseBackend(fail_open=True, enable_circuit_breaker=False, enable_background_cleanup=False)


def delete_expired_counts() -> int:
    """Delete the counts of windows that have ended; returns how many."""
    return sum(database_backend().cleanup_expired().values())


def client_network(request: HttpRequest) -> str:
    """The client's IPv4 address, or the network of its IPv6 address."""
    address = client_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(address)


def client_address(request: HttpRequest) -> IPAddress | None:
    """The client's address as the outermost trusted proxy saw it.

    Each proxy appends the address that it was called from to X-Forwarded-For. Whatever is before the entries of
    our own proxies was sent by the client, who can write anything there, and is ignored. If the proxies did not write
    what they should, this is the address that connected.
    """
    connected = request.META.get("REMOTE_ADDR", "")
    hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), connected]
    forwarded = hops[-1 - settings.TRUSTED_PROXIES] if len(hops) > settings.TRUSTED_PROXIES else connected
    return parse_address(forwarded) or parse_address(connected)


def parse_address(text: str) -> IPAddress | None:
    """Parse an address as proxies write it, with or without a port; None if it is not an address."""
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
