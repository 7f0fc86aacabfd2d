"""Files of what the unit does and says: which field of each says which record a row is about."""

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
)
from vru_portal.record_resource import RecordResource


class PreventionLevelResource(RecordResource):
    """Levels of prevention."""

    model = PreventionLevel


class SuccessConditionResource(RecordResource):
    """Conditions for success, by their numbers."""

    model = SuccessCondition
    key = ("number",)


class InitiativeResource(RecordResource):
    """Initiatives."""

    model = Initiative


class PredecessorResource(RecordResource):
    """What the unit builds on, by its title."""

    model = Predecessor
    key = ("title",)


class TermResource(RecordResource):
    """Words explained."""

    model = Term


class PassageResource(RecordResource):
    """The unit's own words, by their places."""

    model = Passage
    key = ("slot",)


class StoryResource(RecordResource):
    """News."""

    model = Story


class PictureResource(RecordResource):
    """What is said of pictures: the pictures themselves are uploaded one by one."""

    model = Picture


class DocumentResource(RecordResource):
    """What is said of documents: the documents themselves are uploaded one by one."""

    model = Document
