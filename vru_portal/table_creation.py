"""First migrations: an operation that creates many tables at once, and a check of squashed migrations."""

from collections.abc import Collection, Sequence
from typing import Any

from django.core.checks import Error
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState


class CreateTables(Operation):
    """Create the tables of all models that the given operations result in, each in its final form.

    Django renders every related model again after each operation, so a migration that creates dozens of models with
    history spends seconds of CPU on models that the next operation replaces. Here all operations are applied to the
    state first; then the models are rendered once and their tables created.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = list(operations)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.operations], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.clear_delayed_apps_cache()
        # A state that has rendered models would render them again after each operation.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for model in self.models(app_label, schema_editor, to_state):
            schema_editor.create_model(model)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for model in reversed(self.models(app_label, schema_editor, from_state)):
            schema_editor.delete_model(model)

    def models(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> list[Any]:
        """The models whose tables belong in this database, as rendered from the state."""
        names = [operation.name for operation in self.operations if isinstance(operation, CreateModel)]
        rendered = [state.apps.get_model(app_label, name) for name in names]
        return [model for model in rendered if self.allow_migrate_model(schema_editor.connection.alias, model)]

    def describe(self) -> str:
        return f"Create {sum(isinstance(operation, CreateModel) for operation in self.operations)} tables"


# The last version that had the migrations which the squashed ones replace. It upgrades an older database, or names the
# version that does so first.
LAST_BEFORE_SQUASH = "b0fe5d6"


def needs_earlier_upgrade(using: str = DEFAULT_DB_ALIAS) -> str:
    """What to do about a database that lacks some of what a squashed migration replaces; else empty.

    Django would either skip the squashed migration, report that there is nothing to do and leave tables without
    columns, or try to create tables that exist.
    """
    if missing := missing_before_squash(MigrationRecorder(connections[using]).applied_migrations()):
        app, name = missing
        return (
            f"This database is of an older version: of {app}, {name} has not been applied. First migrate "
            f"with the last version that had these migrations (git checkout {LAST_BEFORE_SQUASH}, then manage.py "
            "migrate), and then with this one. Nothing was changed."
        )
    return ""


def missing_before_squash(applied: Collection[tuple[str, str]]) -> tuple[str, str] | None:
    """The app and name of the first migration that a database lacks of those that squashed ones replace."""
    apps_in_use = {app for app, _ in applied}
    for (app, name), migration in migrations_on_disk().items():
        missing = [part for part in migration.replaces if part not in applied]
        if app in apps_in_use and missing and (app, name) not in applied:
            return missing[0]
    return None


def migrations_on_disk() -> dict[tuple[str, str], Migration]:
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return loader.disk_migrations


def nothing_to_migrate() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def check_replaced(databases: Sequence[str] | None = None, **options: Any) -> list[Error]:
    """A system check, so that `migrate` stops before it begins."""
    problems = [needs_earlier_upgrade(using) for using in databases or ()]
    return [Error(problem, id="vru_portal.E001") for problem in problems if problem]
