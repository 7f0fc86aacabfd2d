"""A migration operation that creates many tables at once, for the first migration of an app."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
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
