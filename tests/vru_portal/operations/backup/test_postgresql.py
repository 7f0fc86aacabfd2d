import shutil

import pytest
from django.db import connection

from tests.support.processes.databases import migrated_database, run_python
from tests.support.processes.portal_process import one_sentence
from vru_portal.operations.backup import postgresql
from vru_portal.operations.backup.archive import BackupError


def test_a_program_that_is_missing_is_named_with_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    for program, needs_it in (
        ("pg_dump", lambda: postgresql.dump_database(tmp_path / "dump", "snapshot")),
        ("pg_restore", lambda: postgresql.restore_dump(tmp_path / "dump", "public")),
        ("pg_restore", lambda: postgresql.check_dump(tmp_path / "dump")),
    ):
        monkeypatch.setattr(postgresql, "current_schema", lambda: "public")
        with pytest.raises(BackupError, match=f"^{program} is not installed, or not in PATH.*postgresql-client"):
            needs_it()


@pytest.mark.server
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is copied by the portal itself")
def test_a_backup_without_pg_dump_is_one_sentence_and_leaves_nothing(tmp_path, template):
    with migrated_database(tmp_path / "var", "no_pg_dump", template) as values:
        values = values | {"PATH": str(tmp_path)}
        made = run_python(values, "manage.py", "backup", str(tmp_path / "backup.tar"))
    assert made.returncode == 1
    assert one_sentence(made.stderr)
    assert "pg_dump is not installed" in made.stderr
    assert list(tmp_path.glob("*.tar*")) == []
