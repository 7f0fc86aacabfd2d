"""Expressions that the querysets of money share."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Case, Count, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from programmes.choices import Outcome
from programmes.models import AssessmentDecision
from vru_portal.ledger.money import Pence, PenceField, PoundsField, sum_of_pounds

ZERO_POUNDS = Value(Decimal(0), PoundsField())


def related_rows(model: type[models.Model], relation: str) -> Any:
    """All rows of the model at the other end of a reverse relation.

    The models import this module, so it cannot import them: it reaches them through the relations of its own model.
    """
    related_model: Any = model._meta.get_field(relation).related_model
    return related_model._default_manager.all()


def threshold_in_pence(threshold: "Decimal | Combinable") -> Pence:
    return Pence(threshold if isinstance(threshold, Combinable) else Value(threshold, PoundsField()))


def sum_of_amounts(rows: models.QuerySet[Any]) -> Coalesce:
    """A subquery with the total of related rows, £0 if there are none."""
    # Grouping by a constant makes one group of all rows; without values() first, Django would group by primary key.
    sums = rows.order_by().values(group=Value(1)).annotate(t=sum_of_pounds("amount")).values("t")
    return Coalesce(Subquery(sums, output_field=PenceField()), Value(0, PenceField()))


def count_of_rows(rows: models.QuerySet[Any]) -> Coalesce:
    """A subquery with the number of related rows."""
    return Coalesce(Subquery(rows.order_by().values(group=Value(1)).annotate(n=Count("pk")).values("n")), 0)


def approval_field(path: str, field: str = "decided_on") -> Subquery:
    """A subquery with a field of the decision that approved the assessment at this path."""
    decisions = AssessmentDecision.objects.standing().filter(outcome=Outcome.APPROVED)
    return Subquery(decisions.filter(assessment=OuterRef(path)).values(field)[:1])


def as_boolean(condition: Q) -> Case:
    """A condition as a boolean expression; NULL counts as False."""
    return Case(When(condition, then=Value(True)), default=Value(False))
