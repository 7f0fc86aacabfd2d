"""`python -m vru_portal.server` with granian's options: granian, with the portal loaded once for all workers.

On Linux they are forked from this process and share most of its memory, and one that was killed is back without loading
anything. Elsewhere each loads the portal for itself.

With `--wait` before granian's options, it waits for `GO` on its standard input while `serve` prepares the database. On
Linux it loads its code in the meantime. It ends if the input ends without `GO`.
"""

import gc
import multiprocessing
import sys

import django
from django.db import connections
from django.urls import reverse
from granian.cli import entrypoint

from vru_portal.operations.serving import GO, WAIT


def load_code() -> None:
    """Load all code, and ask neither the database nor the collected static files, which may not be there yet."""
    django.setup()
    reverse("home")  # imports every view, and sorts the public addresses by name: staff's are sorted when first used


def load_portal() -> None:
    """Load and find out all that no worker need do again, and close what two processes must not share.

    Raises ImproperlyConfigured where the portal must not be served (`vru_portal/wsgi.py`).
    """
    load_code()
    import vru_portal.server.rsgi  # noqa: F401 - which asks the database, so only when it is to be served
    from vru_portal.web import shared_files

    shared_files.software()  # of the code that is loaded: a worker that is forked later may find other files
    connections.close_all()  # opened to check the register and the ledger's triggers
    gc.collect()
    gc.freeze()  # a collection in a worker would otherwise write to every page that it shares


if __name__ == "__main__":
    forks = sys.platform == "linux"
    if sys.argv[1:2] == [WAIT]:
        del sys.argv[1]
        if forks:
            load_code()
        if sys.stdin.readline() != GO:
            sys.exit()  # `serve` has ended, and said why
    if forks:
        multiprocessing.set_start_method("fork")  # granian starts its workers in the way that is set
        load_portal()
    entrypoint()  # type: ignore[no-untyped-call]
