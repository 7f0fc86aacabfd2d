"""Everything that `manage.py doctor` checks, in the order in which to fix it."""

from collections.abc import Callable, Iterator

from vru_portal.operations.doctor import database, machine
from vru_portal.operations.doctor.findings import Finding

Examine = Callable[[], Iterator[Finding]]

ON_THE_MACHINE: dict[str, Examine] = {
    "Settings and proxy": machine.settings_and_proxy,
    "HTTPS": machine.https,
    "Mail": machine.mail_server,
    "Permissions": machine.permissions,
    "Disk": machine.disk,
    "Backups": machine.backups,
    "Versions": machine.versions,
}
# Each only if the one before found nothing: what follows could not be read, or `migrate` would hide it.
DATABASE_ITSELF: dict[str, Examine] = {
    "Database": database.unreachable,
    "Triggers": database.triggers,
    "Migrations": database.migrations,
}
IN_THE_DATABASE: dict[str, Examine] = {
    "Register's keys": database.register_keys,
    "Second factors": database.second_factors,
    "Clock": database.clock,
    "Processes": database.processes,
}


def examine() -> Iterator[tuple[str, Finding]]:
    """Look at everything, and yield what is wrong under its heading. Changes nothing."""
    for heading, look in ON_THE_MACHINE.items():
        yield from ((heading, finding) for finding in look())
    for heading, look in DATABASE_ITSELF.items():
        if findings := list(look()):
            yield from ((heading, finding) for finding in findings)
            return
    for heading, look in IN_THE_DATABASE.items():
        yield from ((heading, finding) for finding in look())
