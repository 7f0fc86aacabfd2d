"""`python -m vru_portal.server` with granian's options: granian, with the portal loaded once for all workers.

On Linux they are forked from this process and share most of its memory, and one that was killed is back without loading
anything. Elsewhere each loads the portal for itself.
"""

import gc
import multiprocessing
import sys

from django.db import connections
from django.urls import get_resolver
from granian.cli import entrypoint


def load_portal() -> None:
    """Load and find out all that no worker need do again, and close what two processes must not share.

    Raises ImproperlyConfigured where the portal must not be served (`vru_portal/wsgi.py`).
    """
    import vru_portal.server.rsgi  # noqa: F401 - which asks the database, so only when it is to be served
    from vru_portal.web import shared_files

    get_resolver().url_patterns  # noqa: B018 - imports every view
    shared_files.software()  # of the code that is loaded: a worker that is forked later may find other files
    connections.close_all()  # opened to check the register and the ledger's triggers
    gc.collect()
    gc.freeze()  # a collection in a worker would otherwise write to every page that it shares


if __name__ == "__main__":
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")  # granian starts its workers in the way that is set
        load_portal()
    entrypoint()  # type: ignore[no-untyped-call]
