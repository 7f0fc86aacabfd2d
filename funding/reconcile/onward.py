"""Checks what is served of onward grants: they add up to what is recorded, and what is not reported is named."""

from functools import partial

from django.urls import reverse

from funding.reconcile import database, outputs
from funding.reconcile.findings import ReconciliationReport
from funding.reconcile.outputs import ServedList, ServedPage
from vru_portal.tabular.downloads import FORMATS


def check_onward_grants(report: ReconciliationReport) -> None:
    """Check the files of onward grants, and the page of each allocation that is for regranting."""
    sums = database.onward_sums()
    if not sums:
        return
    for form in FORMATS:
        where = f"Onward grants, {form.upper()}"
        found: ServedList | None = report.read(where, partial(outputs.read_list, "onward-grants", form))
        if found:
            for public_id, expected in sums.items():
                rows = [row for row in found.rows if row["allocation"] == public_id]
                served = ServedList(rows).sum_of("amount")
                report.expect(where, f"what is reported of {public_id}", served, expected.reported)
    for public_id, expected in sums.items():
        where = f"Allocation {public_id}, Page"
        address = reverse("funding:allocation", args=[public_id])
        page: ServedPage | None = report.read(where, partial(outputs.read_pages, address, ("payment",)))
        if page:
            report.expect(where, "“onward-reported”", page.sum_of("onward-reported"), expected.reported)
            report.expect(where, "“onward-unreported”", page.sum_of("onward-unreported"), expected.unreported)
            report.expect(where, "“onward-beyond”", page.sum_of("onward-beyond"), expected.beyond)
