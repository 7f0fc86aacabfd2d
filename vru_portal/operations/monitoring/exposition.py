"""What Prometheus reads at `/metrics`: what all processes have counted, and the state of the portal at the moment."""

import shutil
from collections import Counter
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from events.declarations.models import Head
from vru_portal import metrics
from vru_portal.links.models import Delivery, QueuedMail
from vru_portal.models import Heartbeat
from vru_portal.operations.backup.status import read_status
from vru_portal.operations.monitoring import readiness

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition() -> bytes:
    """All metrics, in Prometheus' text format."""
    state = CollectorRegistry()
    state.register(PortalCollector())
    return generate_latest(metrics.collect()) + generate_latest(state)


class PortalCollector(Collector):
    """The metrics read at each scrape. If the database is down, only those that do not need it."""

    def describe(self) -> list[Metric]:
        return []  # otherwise registering would query the database

    def collect(self) -> Iterator[Metric]:
        checks = GaugeMetricFamily("portal_ready", "1 for each check that passes now, else 0.", labels=["check"])
        for check in readiness.run_checks():
            checks.add_metric([check.name], 0 if check.problem else 1)
        yield checks
        free = shutil.disk_usage(settings.VAR_DIR).free
        yield GaugeMetricFamily("portal_disk_free_bytes", "Free space on the disk of VAR_DIR.", free)
        if made_at := read_status().made_at:
            yield GaugeMetricFamily(
                "portal_backup_timestamp_seconds", "When the last good backup was made.", made_at.timestamp()
            )
        try:
            yield from database_metrics()
        except DatabaseError:
            return


def database_metrics() -> Iterator[Metric]:
    """The queue, the emails and the register."""
    ready = DBTaskResult.objects.ready().aggregate(count=Count("pk"), oldest=Min("enqueued_at"))
    age = (timezone.now() - ready["oldest"]).total_seconds() if ready["oldest"] else 0
    yield GaugeMetricFamily("portal_jobs_waiting", "Jobs that could run now.", ready["count"])
    yield GaugeMetricFamily("portal_jobs_oldest_seconds", "Age of the oldest job that could run now.", age)
    by_delivery: Counter[str] = Counter()
    for queue in (model for model in apps.get_models() if issubclass(model, QueuedMail)):
        by_delivery.update(dict(queue._default_manager.order_by().values_list("delivery").annotate(count=Count("pk"))))
    mails = GaugeMetricFamily("portal_mails", "Emails by delivery state.", labels=["delivery"])
    for delivery in Delivery:
        mails.add_metric([delivery.value], by_delivery[delivery])
    yield mails
    size = Head.objects.values_list("size", flat=True).first()
    yield GaugeMetricFamily("portal_register_entries", "Size of the declaration's register.", size or 0)
    about = "When each process last reported in."
    beats = GaugeMetricFamily("portal_heartbeat_timestamp_seconds", about, labels=["part"])
    for beat in Heartbeat.objects.all():
        beats.add_metric([beat.part], beat.at.timestamp())
    yield beats
