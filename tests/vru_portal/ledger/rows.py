"""Rows of every model that is append-only."""

import pytest
from django.apps import apps
from django.db import connection

from events.declarations.models import DeclarationVersion
from programmes.models import EvidenceAssessment
from tests.support.factories import AssessmentDecisionFactory, VersionFactory
from tests.vru_portal.publishing.test_state import MAKERS
from vru_portal.ledger.append_only.models import AppendOnly

sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="what only SQLite does")
postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="what only PostgreSQL does")
APPEND_ONLY = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
FROZEN = "A recorded {} cannot be changed or removed. Reverse it, then record the correct one."


def label(model):
    return model.__name__ if isinstance(model, type) else None


def recorded(model):
    """Return a row that may not change any more: an assessment once it is decided on, a wording once it is in force."""
    if model is EvidenceAssessment:
        return AssessmentDecisionFactory().assessment
    return VersionFactory(in_force=True) if model is DeclarationVersion else MAKERS[model]()


def key_of(model):
    return f'"{model._meta.pk.column}"'


def frozen(model):
    return FROZEN.format(model._meta.verbose_name)
