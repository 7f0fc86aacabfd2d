"""`python -m vru_portal.server` with granian's options: granian, with the portal loaded once for all workers.

They are forked from this process and share most of its memory. One that was killed is back without loading anything.
"""

import gc
import multiprocessing
import sys

from django.db import connections
from django.urls import get_resolver
from granian.cli import entrypoint

import vru_portal.server.rsgi  # noqa: F401 - what is loaded here, no worker loads again


def prepare_to_fork() -> None:
    """Load what otherwise the first request would, and close what two processes must not share."""
    get_resolver().url_patterns  # noqa: B018 - imports every view
    connections.close_all()  # opened to check the register and the ledger's triggers
    gc.collect()
    gc.freeze()  # a collection in a worker would otherwise write to every page that it shares


if __name__ == "__main__":
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")  # which granian asks for
    prepare_to_fork()
    entrypoint()  # type: ignore[no-untyped-call]
