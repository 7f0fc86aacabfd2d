"""Imports and exports of programmes. `key` names the fields by which a row of a file finds its record."""

from programmes.models import (
    Document,
    Initiative,
    Passage,
    Picture,
    Predecessor,
    PreventionLevel,
    Story,
    SuccessCondition,
    Term,
    ToolkitApproach,
)
from vru_portal.tabular.records.resources import record_resource

PreventionLevelResource = record_resource(PreventionLevel)
SuccessConditionResource = record_resource(SuccessCondition, key=("number",))
InitiativeResource = record_resource(Initiative)
PredecessorResource = record_resource(Predecessor, key=("title",))
TermResource = record_resource(Term)
PassageResource = record_resource(Passage, key=("slot",))
StoryResource = record_resource(Story)
PictureResource = record_resource(Picture)
DocumentResource = record_resource(Document)
ToolkitApproachResource = record_resource(ToolkitApproach)
