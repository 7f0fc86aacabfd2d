"""The portal as a WSGI application, for granian or any other server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")

application = get_wsgi_application()

from events.declarations.register import log  # noqa: E402
from events.declarations.rules import erasure  # noqa: E402 - models can be imported only now
from vru_portal.ledger.append_only.database import require_triggers  # noqa: E402
from vru_portal.operations.backup.lock import hold_while_running  # noqa: E402

# However the portal is started, it must not serve what is being restored, a ledger that could be changed, a register
# whose key is lost, or personal data that was erased and came back with a backup. After that, /readyz watches.
hold_while_running()
require_triggers()
log.require_key()
erasure.reapply_erasures()
