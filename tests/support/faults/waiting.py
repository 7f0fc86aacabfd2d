"""Waiting for a portal, and for what it does by itself."""

import time

PATIENCE = 120  # seconds: where something hangs
SECONDS_TO_COME_BACK = 5  # for a portal, after whatever was away is there again


def wait_for(condition, seconds=PATIENCE):
    """Wait until something holds; return how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, condition
        time.sleep(0.1)
    return time.monotonic() - began


def status(served, path="/"):
    """Return the status of a page that is made anew; 0 where nothing answers.

    A cookie keeps the portal from answering from memory, as it does for strangers also while its database is away.
    """
    try:
        return served.get(path, Cookie="made=anew")[0]
    except OSError:
        return 0
