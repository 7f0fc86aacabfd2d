"""Waiting for a portal, and for what it does by itself."""

import time

PATIENCE = 120  # seconds: where something hangs


def wait_for(condition, seconds=PATIENCE):
    """Wait until something holds; return how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, condition
        time.sleep(0.1)
    return time.monotonic() - began


def status(served, path="/"):
    """Return the status of a page; 0 where nothing answers."""
    try:
        return served.get(path)[0]
    except OSError:
        return 0
