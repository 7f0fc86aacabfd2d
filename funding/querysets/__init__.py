"""Named queries of everything about money."""

from funding.querysets.allocations import AllocationQuerySet
from funding.querysets.budget import (
    DecisionQuerySet,
    FulfilmentQuerySet,
    HeadingQuerySet,
    OvercommitmentQuerySet,
    SourceConditionQuerySet,
    VariationQuerySet,
)
from funding.querysets.expressions import ZERO_POUNDS, threshold_in_pence
from funding.querysets.payments import PaymentQuerySet
from funding.querysets.regrants import OnwardGrantQuerySet, OnwardRequestQuerySet, RegrantingQuerySet
from funding.querysets.sources import DutyQuerySet, SourceQuerySet, YearQuerySet

__all__ = [
    "ZERO_POUNDS",
    "AllocationQuerySet",
    "DecisionQuerySet",
    "DutyQuerySet",
    "FulfilmentQuerySet",
    "HeadingQuerySet",
    "OnwardGrantQuerySet",
    "OnwardRequestQuerySet",
    "OvercommitmentQuerySet",
    "PaymentQuerySet",
    "RegrantingQuerySet",
    "SourceConditionQuerySet",
    "SourceQuerySet",
    "VariationQuerySet",
    "YearQuerySet",
    "threshold_in_pence",
]
