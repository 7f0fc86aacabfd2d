"""`manage.py doctor`: what is wrong with the way the portal is set up, and how to fix it."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import pluralize

from vru_portal.operations.doctor.examination import examine


class Command(BaseCommand):
    """Examine the portal and its machine. The exit code is 1 if something must be fixed."""

    help = "Finds problems with settings, proxy, mail, keys, permissions, disk, clock and so on. Changes nothing."
    requires_system_checks: list[str] = []  # it runs them itself, and says what to do

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, **options: Any) -> None:
        findings = list(examine())
        urgent = sum(finding.urgent for _, finding in findings)
        if options["json"]:
            rows = [{"subject": heading, **asdict(finding)} for heading, finding in findings]
            self.stdout.write(json.dumps({"ok": not urgent, "findings": rows}, indent=2))
        else:
            for heading, finding in findings:
                mark = "✗" if finding.urgent else "·"
                self.stdout.write(f"{mark} {heading}: {finding.problem}\n    {finding.remedy}")
            self.stdout.write(
                f"{urgent} problem{pluralize(urgent)} to fix, {len(findings) - urgent} for information."
                if findings
                else "Nothing is wrong."
            )
        if urgent:
            sys.exit(1)
