"""Example requests for onward grants, through the real rules: a list to fill in, and one that waits for staff."""

from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from funding.choices import AllocationKind, RegrantType
from funding.models import Allocation, OnwardMail, OnwardRequest
from funding.regranting.rules import asking, reporting
from funding.regranting.rules.recording import record_regranting
from funding.regranting.tasks import deliver_onward_mail
from vru_portal.links.answering import issue_secret
from vru_portal.links.choices import LinkPurpose
from vru_portal.operations.demo.people import EXAMPLE, DemoPeople
from vru_portal.web.addresses import full_url

GRANTS_OFFICER = "grants@office.example"


@dataclass
class DemoOnward:
    """The recipients of two grants are asked which grants they have made."""

    people: DemoPeople

    def ask(self) -> str:
        """Ask both; returns the address at which the first can fill in its list, empty if nobody can be asked."""
        grants = Allocation.objects.standing().filter(kind=AllocationKind.GRANT)
        reported = grants.filter(onward_grants__reverses=None, onward_grants__isnull=False).distinct().first()
        if reported is None or asking.why_not_asked(reported):
            return ""
        if other := grants.exclude(regrantings__reverses=None, regrantings__isnull=False).order_by("pk").last():
            record_regranting(by=self.people.officer, allocation=other, regrant_type=RegrantType.COMMON)
            self.report(other)
        secret = self.link_of(reported)
        for number in OnwardMail.objects.order_by("pk").values_list("pk", flat=True):
            deliver_onward_mail.call(number)  # into the folder where a demonstration keeps its emails
        DBTaskResult.objects.filter(task_path=deliver_onward_mail.module_path).delete()
        return full_url(reverse("funding:onward_open", args=[secret]))

    def link_of(self, allocation: Allocation) -> str:
        request: OnwardRequest = asking.ask(
            by=self.people.officer, allocation=allocation, email=GRANTS_OFFICER, contact_name=f"{EXAMPLE}Kim"
        )
        return issue_secret(draft=request, purpose=LinkPurpose.FILL_IN)

    def report(self, allocation: Allocation) -> None:
        """A list of one grant, which staff can read and approve."""
        secret = self.link_of(allocation)
        typed = {
            "recipient": f"{EXAMPLE}youth theatre",
            "amount": f"{allocation.amount * Decimal('0.1'):.2f}",
            "awarded_on": str(timezone.localdate()),
            "title": f"{EXAMPLE}a play about the way home",
        }
        reporting.save_grant(secret=secret, key=reporting.new_key(), typed=typed, before={})
        reporting.submit(secret=secret, name=f"{EXAMPLE}Kim")
