"""First migrations: an operation that creates many tables at once, and a check of what a squashed one replaces."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState


class CreateTables(Operation):
    """Create the tables of all models that the given operations lead to, each in its final form.

    Django renders every related model anew after each single operation, so a migration that creates dozens of models
    with history spends seconds of CPU on models that the next operation throws away. Here the operations first change
    the state together; then the models are rendered once, and their tables are created.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = list(operations)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Say how it is written in a migration."""
        return type(self).__name__, [self.operations], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add all the models to the state, which renders none of them yet."""
        state.clear_delayed_apps_cache()
        state.__dict__.pop("apps", None)  # or each operation would render its models
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the tables."""
        for model in self.models(app_label, schema_editor, to_state):
            schema_editor.create_model(model)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the tables, the last first."""
        for model in reversed(self.models(app_label, schema_editor, from_state)):
            schema_editor.delete_model(model)

    def models(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> list[Any]:
        """Return the models whose tables belong in this database, as the state renders them."""
        names = [operation.name for operation in self.operations if isinstance(operation, CreateModel)]
        found = [state.apps.get_model(app_label, name) for name in names]
        return [model for model in found if self.allow_migrate_model(schema_editor.connection.alias, model)]

    def describe(self) -> str:
        """Say what `migrate` prints."""
        return f"Create {sum(isinstance(operation, CreateModel) for operation in self.operations)} tables"


def half_replaced(using: str = DEFAULT_DB_ALIAS) -> str:
    """Say what to do where a database has some of what a squashed migration replaces, not all; empty elsewhere.

    Django would leave the squashed migration out, say that there is nothing to do, and leave tables without columns.
    """
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    applied = MigrationRecorder(connections[using]).applied_migrations()
    for (app, name), migration in loader.disk_migrations.items():
        steps = [key for key in migration.replaces if key in applied]
        if steps and len(steps) < len(migration.replaces) and (app, name) not in applied:
            return (
                f"This database is of an older version: of {app} it has only {', '.join(step for _, step in steps)}. "
                "Bring it to the last version that had these steps (git checkout 1822988, then manage.py migrate), "
                "and then migrate with this one. Nothing was changed."
            )
    return ""


def check_replaced(databases: Sequence[str] | None = None, **options: Any) -> list[Error]:
    """Let `migrate` stop before it begins."""
    said = [half_replaced(using) for using in databases or ()]
    return [Error(sentence, id="vru_portal.E001") for sentence in said if sentence]
