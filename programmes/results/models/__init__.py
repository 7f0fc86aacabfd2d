"""What is counted, who is asked for it, their answers, and the figures that are approved."""

from programmes.results.models.figures import RECORDED_ALONE, ApprovedFigure, ApprovedPart, ApprovedReturn
from programmes.results.models.measures import (
    DEFAULT_THRESHOLD,
    AreaPopulation,
    Breakdown,
    BreakdownGroup,
    Measure,
    Target,
)
from programmes.results.models.reporting import ReportingRules, WorkbookColumn
from programmes.results.models.returns import Mail, Reporter, Return, ReturnDraft, Token

__all__ = [
    "DEFAULT_THRESHOLD",
    "RECORDED_ALONE",
    "ApprovedFigure",
    "ApprovedPart",
    "ApprovedReturn",
    "AreaPopulation",
    "Breakdown",
    "BreakdownGroup",
    "Mail",
    "Measure",
    "Reporter",
    "ReportingRules",
    "Return",
    "ReturnDraft",
    "Target",
    "Token",
    "WorkbookColumn",
]
