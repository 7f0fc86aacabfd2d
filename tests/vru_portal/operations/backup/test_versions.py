"""Of which versions of the portal a backup can be restored."""

import pytest
from django.db import connection

from vru_portal.operations.backup.archive import BackupError, Manifest
from vru_portal.operations.backup.restore import check_manifest
from vru_portal.table_creation import LAST_BEFORE_SQUASH, migrations_on_disk

OWN = {".".join(key) for key in migrations_on_disk()}
REPLACED = {".".join(key) for migration in migrations_on_disk().values() for key in migration.replaces}
SQUASHED = {".".join(key) for key, migration in migrations_on_disk().items() if migration.replaces}
APPS = {app for (app, _), migration in migrations_on_disk().items() if migration.replaces}
SINCE_SQUASH = {name for name in OWN - SQUASHED if name.partition(".")[0] in APPS}
BEFORE_SQUASH = OWN - SQUASHED - SINCE_SQUASH | REPLACED


def of(*migrations):
    return Manifest("0.1.0", "2031-05-07T10:00:00Z", connection.vendor, list(migrations), 0, "")


@pytest.mark.parametrize(
    "migrations",
    [
        pytest.param(OWN, id="of this version"),
        pytest.param(OWN - SINCE_SQUASH, id="of the squash itself"),
        pytest.param(OWN | REPLACED, id="with the names of what was replaced"),
        pytest.param(BEFORE_SQUASH | {"funding.0001_initial"}, id="of the last version before the squash"),
    ],
)
def test_a_backup_is_taken_over(migrations):
    check_manifest(of(*migrations))


@pytest.mark.parametrize(
    ("migrations", "sentences"),
    [
        pytest.param(
            OWN | {"funding.0099_newer"},
            ["whose migration funding.0099_newer this one does not have"],
            id="newer",
        ),
        pytest.param(
            BEFORE_SQUASH - {max(REPLACED)},
            [f"it lacks the migration {max(REPLACED)}.", f"git checkout {LAST_BEFORE_SQUASH}"],
            id="older",
        ),
    ],
)
def test_another_one_is_refused_with_the_way_out(migrations, sentences):
    with pytest.raises(BackupError) as refused:
        check_manifest(of(*migrations))
    for sentence in sentences:
        assert sentence in str(refused.value)
