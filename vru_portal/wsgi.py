"""The portal as a WSGI application, for granian or any other server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")

application = get_wsgi_application()

from events.declarations import rules  # noqa: E402 - models can be imported only now
from events.declarations.register import log  # noqa: E402
from vru_portal.append_only import require_guards  # noqa: E402

# However it is started, it serves no ledger that could be changed, no register whose key is lost, and nothing that was
# erased and came back with a backup.
require_guards()
log.require_key()
rules.erase_again()
