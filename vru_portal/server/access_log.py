"""One line in the log for each request, and its count for the metrics.

Queries are left out: they may say what somebody looked for. `/healthz` is only counted: `serve` and load balancers ask
for it every few seconds.

To answer from memory takes less time than to write a line does. The lines of such answers are written together, a few
times a second, each with the time of its own request.
"""

import asyncio
import logging
from collections import Counter

from vru_portal import log_lines, metrics

SECONDS_TOGETHER = 0.25
MAX_TOGETHER = 1000

logger = logging.getLogger("vru_portal.access")


def note(request: log_lines.Request) -> None:
    """Count and log a request now."""
    if request.path == "/healthz":
        metrics.count_answers(request.method, request.status, 1)
        return
    metrics.count_request(request.method, request.status, request.ms / 1000)
    fields = request._asdict()
    del fields["at"]
    logger.info("Request", extra=log_lines.fields(**fields))


class Batch:
    """Requests that are counted and logged soon; for one event loop alone."""

    def __init__(self) -> None:
        self.requests: list[log_lines.Request] = []

    def add(self, request: log_lines.Request) -> None:
        self.requests.append(request)
        if len(self.requests) == 1:
            asyncio.get_running_loop().call_later(SECONDS_TOGETHER, self.write)
        elif len(self.requests) >= MAX_TOGETHER:
            self.write()

    def write(self) -> None:
        requests, self.requests = self.requests, []
        for (method, status), number in Counter((request.method, request.status) for request in requests).items():
            metrics.count_answers(method, status, number)
        if requests:
            logger.info("Request", extra={"requests": requests})
