"""What a timer does: mail that was lost, reminders, invitations that are over, personal data whose time is up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from events.declarations import limits, rules
from events.declarations.choices import OVER, Delivery, InvitationState
from events.declarations.models import Entry, Invitation, Mail, PaperSignature, SigningRequest
from events.declarations.register import witness
from events.declarations.tasks import LOST_AFTER, deliver
from partners.models import LegalNotice
from programmes.chores import clear_away as clear_uploads
from vru_portal import drafts, file_jobs, mail_files, sessions
from vru_portal.importing import clear_away
from vru_portal.tasks import read_file

KEEP_TASKS = timedelta(days=7)


def all_of_them() -> Iterator[str]:
    """Do every chore; yield what was done, a line each. One that fails stops no other: it is raised at the end."""
    faults: list[Exception] = []
    for chore, done in (
        (drafts.publish_due, "records published on the day set for them"),
        (reap, "tasks freed that a killed worker had left"),
        (file_jobs.reap, "long files whose worker was killed"),
        (file_jobs.forget, "long files whose rows were forgotten"),
        (send_lost, "mails queued again"),
        (clear, "ended tasks dropped"),
        (expire, "invitations past their last day"),
        (invite_again, "bodies invited to a new wording"),
        (remind, "reminders queued"),
        (limits.forget, "counts of limits dropped"),
        (forget, "records whose personal data was dropped"),
        (clear_away, ""),
        (mail_files.clear_away, "mails written to files dropped"),
        (clear_uploads, "uploads that nothing names dropped"),
        (sessions.clear_away, "ended sessions of staff dropped"),
        (witness.keep_checkpoint, ""),
    ):
        try:
            count = chore()
        except Exception as fault:
            faults.append(fault)
        else:
            if count and done:
                yield f"{count} {done}"
    if faults:
        raise faults[0]


def reap() -> int:
    """End tasks that have been running for longer than any does: their worker was killed. Their mail is sent anew."""
    running = DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, started_at__lt=timezone.now() - LOST_AFTER, task_path=deliver.module_path
    )
    return running.delete()[0]


@transaction.atomic
def send_lost() -> int:
    """Queue mails that are due and that no task is about to send."""
    due = list(Mail.objects.select_for_update().filter(delivery=Delivery.WAITING, due_at__lte=timezone.now()))
    tasks = DBTaskResult.objects.filter(task_path=deliver.module_path)
    tasks = tasks.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])
    coming = {task["args"][0] for task in tasks.values_list("args_kwargs", flat=True)}
    lost = [mail for mail in due if mail.pk not in coming]
    for mail in lost:
        deliver.enqueue(mail.pk)
    return len(lost)


def clear() -> int:
    """Drop tasks that ended a while ago: mails and long files themselves say what came of them."""
    paths = [deliver.module_path, read_file.module_path]
    ended = DBTaskResult.objects.filter(finished_at__lt=timezone.now() - KEEP_TASKS, task_path__in=paths)
    return ended.delete()[0]


def expire() -> int:
    """End invitations whose last day is over."""
    past = list(Invitation.objects.past(timezone.localdate()))
    for invitation in past:
        rules.expire(invitation=invitation)
    return len(past)


def invite_again() -> int:
    """Invite to the wording in force who has signed an earlier one, where signing was closed when it was published."""
    version = rules.in_force()
    if version is None or rules.why_closed(version):
        return 0
    return rules.invite_again(by=None, version=version)


def remind() -> int:
    """Queue reminders; none while nobody can sign."""
    version = rules.in_force()
    if version is None or rules.why_closed(version):
        return 0
    due = list(Invitation.objects.to_remind(timezone.localdate()))
    return sum(rules.remind(invitation=invitation) is not None for invitation in due)


def forget() -> int:
    """Erase and drop the personal data whose time, as the legal notice states it, is up.

    Raises ImproperlyConfigured, after everything else, where nothing can be appended to the register: what was signed
    is then erased as soon as it can.
    """
    turned_down = SigningRequest.objects.filter(answered_at__isnull=False, invitation=None)
    done = drop(turned_down, rules.forget_request)
    kept = LegalNotice.current().retention_days
    if not kept:
        return done
    limit = timezone.now() - timedelta(days=kept)
    unsigned = [state for state in OVER if state != InvitationState.WITHDRAWN]
    over = Invitation.objects.filter(state__in=unsigned, closes_on__lt=timezone.localdate(limit)).exclude(email="")
    done += drop(over, rules.forget)
    done += drop(SigningRequest.objects.filter(asked_at__lt=limit), rules.forget_request)
    papers = PaperSignature.objects.filter(entry=None, recorded_at__lt=limit).exclude(scan="", signatory_name="")
    done += drop(papers, rules.forget_paper)
    signed = Entry.objects.signatures().filter(recorded_at__lt=limit, personal__erased_at=None, personal__isnull=False)
    return done + drop(
        signed.select_related("body__sector", "version__declaration"), lambda row: rules.erase(entry=row)
    )


def drop(rows: QuerySet[Any], rule: Callable[[Any], object]) -> int:
    """Drop rows by this rule, each in a transaction of its own. Returns how many."""
    found = list(rows)
    for row in found:
        rule(row)
    return len(found)
