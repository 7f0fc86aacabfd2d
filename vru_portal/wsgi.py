"""The portal as a WSGI application, for granian or any other server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")

application = get_wsgi_application()

from vru_portal.append_only import require_guards  # noqa: E402 - models can be imported only now

require_guards()  # however it is started, it does not serve a ledger that could be changed
