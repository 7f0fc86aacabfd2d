"""Waiting for a portal, and for what it does by itself."""

import time

PATIENCE = 120  # seconds: where something hangs
# Without one of the portal's cookies, a page comes from memory, also while the database is away.
MADE_ANEW = {"Cookie": "csrftoken=none"}
SECONDS_TO_COME_BACK = 5  # for a portal, after whatever was away is there again


def wait_for(condition, seconds=PATIENCE):
    """Wait until something holds; return how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, condition
        time.sleep(0.1)
    return time.monotonic() - began


def status(served, path="/"):
    """Return the status of a page that is made anew; 0 where nothing answers."""
    try:
        return served.get(path, **MADE_ANEW)[0]
    except OSError:
        return 0
