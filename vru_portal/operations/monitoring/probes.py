"""The addresses that machines ask: whether the portal is alive, what it can do, and its metrics."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from vru_portal.operations.monitoring import exposition, readiness

Handler = Callable[[HttpRequest], HttpResponse]
PLAIN_TEXT = "text/plain; charset=utf-8"


class AnswerProbes:
    """Answer `/healthz` and `/readyz`, and `/metrics` for the unit's monitoring.

    It comes first of all middleware: load balancers ask by IP address, over HTTP, without a host name, and would get an
    error or a redirect from what follows.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.path:
            case "/healthz":
                response = HttpResponse("ok\n", content_type=PLAIN_TEXT)
            case "/readyz":
                response = answer_readiness(request)
            case "/metrics" if is_monitoring(request):
                response = HttpResponse(exposition.exposition(), content_type=exposition.CONTENT_TYPE)
            case _:
                return self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response


def answer_readiness(request: HttpRequest) -> HttpResponse:
    """Everybody can see which part fails; only the unit's monitoring can see why."""
    checks = readiness.run_checks()
    failing = [check.name for check in checks if check.problem]
    status = 503 if failing else 200
    if is_monitoring(request):
        details = {check.name: check.problem or "ok" for check in checks}
        return JsonResponse({"ready": not failing, "checks": details}, status=status)
    text = f"not ready: {', '.join(failing)}\n" if failing else "ok\n"
    return HttpResponse(text, status=status, content_type=PLAIN_TEXT)


def is_monitoring(request: HttpRequest) -> bool:
    """Whether a request carries the unit's MONITORING_TOKEN. Always false if none is set."""
    token, given = settings.MONITORING_TOKEN, request.headers.get("Authorization", "")
    return bool(token) and constant_time_compare(given, f"Bearer {token}")
