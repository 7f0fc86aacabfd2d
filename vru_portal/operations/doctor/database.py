"""What can be wrong inside the portal's database, or between it and the machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from events.declarations.models import Entry, RegisterKey
from events.declarations.register import kept_outside, log
from vru_portal.accounts import second_factor, totp_secrets
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.models import Heartbeat
from vru_portal.operations.doctor.findings import Finding
from vru_portal.operations.monitoring import readiness
from vru_portal.table_creation import needs_earlier_upgrade

MAX_AHEAD = timedelta(minutes=1)  # of this machine's clock, for something that has happened


def unreachable() -> Iterator[Finding]:
    """Why the database cannot be queried. Looking for a missing file does not create it."""
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
        path = Path(connection.settings_dict["NAME"])
        if not path.exists():
            yield Finding(
                f"There is no database at {path}.",
                "Start the portal with manage.py serve, which creates it, or correct VAR_DIR.",
            )
            return
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield Finding(
            f"The database cannot be reached: {type(error).__name__}.",
            "Start the database server, and correct host, name and password in DATABASE_URL.",
        )


def migrations() -> Iterator[Finding]:
    if problem := needs_earlier_upgrade():
        yield Finding("This database is of a version that cannot be upgraded in one step.", problem)
        return
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding(
            f"Migrations that have not been applied: {len(plan)}.", "Run manage.py migrate, or restart manage.py serve."
        )


def triggers() -> Iterator[Finding]:
    if missing := DatabaseTriggers(connection).missing():
        names = ", ".join(trigger.name for trigger in missing[:3]) + (" …" if len(missing) > 3 else "")
        yield Finding(
            f"Triggers that protect money and signatures are missing or changed: {names}.",
            "Run manage.py reconcile and manage.py register verify to see what was changed, then manage.py migrate.",
        )


def register_keys() -> Iterator[Finding]:
    if not RegisterKey.objects.exists():
        yield Finding(log.NO_KEY_MESSAGE.partition(".")[0] + ".", "Run manage.py register rotate-key.", urgent=False)
        return
    try:
        log.require_key()
    except ImproperlyConfigured as error:
        yield Finding("The register's private key is lost or unreadable.", str(error))
        return
    try:
        kept_outside.require_no_rollback()
    except ImproperlyConfigured as error:
        yield Finding("The database is older than the register's newest checkpoint.", str(error))
    keys = Path(settings.REGISTER_KEYS)
    if keys.stat().st_dev == Path(settings.VAR_DIR).stat().st_dev:
        yield Finding(
            "The register's keys are on the same disk as the portal's other files, and lost together with it.",
            f"Copy {keys} to another machine, apart from the database's backups; or set REGISTER_KEYS to another disk.",
            urgent=False,
        )


def second_factors() -> Iterator[Finding]:
    with_factor = Authenticator.objects.filter(type__in=second_factor.FACTORS).values("user")
    staff = get_user_model()._default_manager.filter(is_staff=True, is_active=True)
    without = [user.get_username() for user in staff.exclude(pk__in=with_factor).order_by("username")]
    if not staff.exists():
        yield Finding(
            "Nobody can sign in.", "Run manage.py staff add NAME --role Administrator to make an account.", urgent=False
        )
    elif without:
        names = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        yield Finding(
            f"Accounts without a second factor, so anyone who knows the password can set one up: {names}.",
            "Ask them to sign in once, and deactivate accounts that nobody uses.",
            urgent=second_factor.is_required(),
        )
    if unreadable := totp_secrets.unreadable_accounts():
        names = ", ".join(unreadable[:5]) + (" …" if len(unreadable) > 5 else "")
        yield Finding(
            f"The second-factor key is missing or is the wrong key: {names} cannot sign in.",
            f"Restore {totp_secrets.keys_file()} from your backup. If there is none, run manage.py staff rotate-key.",
        )


def clock() -> Iterator[Finding]:
    """Nothing that has happened can be in the future. Register, heartbeats and files have times of their own."""
    newest = {
        "the newest entry of the register": Entry.objects.order_by("-seq")
        .values_list("recorded_at", flat=True)
        .first(),
        "the newest heartbeat": Heartbeat.objects.order_by("-at").values_list("at", flat=True).first(),
        f"the newest file in {settings.VAR_DIR}": newest_file_time(),
    }
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            newest["the database server's clock"] = cursor.fetchone()[0]
    now = timezone.now()
    for name, at in newest.items():
        if at and at > now + MAX_AHEAD:
            yield Finding(
                f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC, but {name} is at {at:%Y-%m-%d %H:%M}.",
                "Set the clock, and keep it right with: timedatectl set-ntp true",
            )
            return


def newest_file_time() -> datetime | None:
    times = [path.stat().st_mtime for path in Path(settings.VAR_DIR).glob("*")]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def processes() -> Iterator[Finding]:
    """Whether the timer and the mail queue run, and what they met."""
    beats = {beat.part: beat for beat in Heartbeat.objects.all()}
    start = "Start the portal with manage.py serve, or run {} from your own supervisor."
    remedies = {
        Heartbeat.Part.TIMER: start.format("manage.py run_schedule --every 60"),
        Heartbeat.Part.MAIL_QUEUE: start.format("manage.py mail_queue"),
    }
    for part, remedy in remedies.items():
        if silence := readiness.silence_of(part, beats):
            yield Finding(silence, remedy)
    for part in (Heartbeat.Part.TIMER, Heartbeat.Part.MAIL_SERVER):
        if (beat := beats.get(part)) and beat.fault:
            yield Finding(
                f"The last work of the {part.value} failed: {beat.fault}.",
                "See the log for where it failed. It will be tried again automatically.",
            )
