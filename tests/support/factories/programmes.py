import io
import secrets

from django.core.files.base import ContentFile
from factory.declarations import LazyFunction, Sequence, SubFactory
from PIL import Image

from programmes.choices import Mark, Outcome, PassagePlace
from programmes.models import (
    Area,
    AssessmentDecision,
    Audience,
    Document,
    EvidenceAssessment,
    Initiative,
    Passage,
    Picture,
    Predecessor,
    PreventionLevel,
    Setting,
    Story,
    SuccessCondition,
    Synonym,
    Term,
    ToolkitApproach,
)
from tests.support.factories.base import (
    DAY,
    PublishedFactory,
    RecordFactory,
    UserFactory,
)
from vru_portal.publishing.state import State


class LevelFactory(PublishedFactory):
    class Meta:
        model = PreventionLevel

    name = Sequence("Level{}".format)
    slug = Sequence("level-{}".format)
    position = Sequence(lambda number: number + 1)
    mark = LazyFunction(
        lambda: next(mark for mark in Mark.values if mark not in PreventionLevel.objects.values_list("mark", flat=True))
    )
    moment = "At dawn"
    summary = "Begin early."
    definition = "Work that begins **early**."


class SuccessConditionFactory(PublishedFactory):
    class Meta:
        model = SuccessCondition

    number = Sequence(lambda number: number + 1)
    title = "Everybody walks"
    text = "Each path has a keeper."


class AudienceFactory(RecordFactory):
    class Meta:
        model = Audience

    name = Sequence("Audience {}".format)
    slug = Sequence("audience-{}".format)


class SettingFactory(RecordFactory):
    class Meta:
        model = Setting

    name = Sequence("Setting {}".format)
    slug = Sequence("setting-{}".format)


class AreaFactory(RecordFactory):
    class Meta:
        model = Area

    name = Sequence("Area {}".format)
    slug = Sequence("area-{}".format)


class InitiativeFactory(PublishedFactory):
    class Meta:
        model = Initiative
        skip_postgeneration_save = True

    name = Sequence("Night walk {}".format)
    slug = Sequence("night-walk-{}".format)
    level = SubFactory(LevelFactory)
    position = Sequence(int)
    summary = "Neighbours walk together."
    description = "A walk *every* Friday."


class PredecessorFactory(PublishedFactory):
    class Meta:
        model = Predecessor

    title = Sequence("Older path {}".format)
    position = Sequence(int)


class TermFactory(PublishedFactory):
    class Meta:
        model = Term

    name = Sequence("Word {}".format)
    slug = Sequence("word-{}".format)
    definition = "What it means."


class PassageFactory(PublishedFactory):
    class Meta:
        model = Passage

    slot = PassagePlace.HOME_LEAD
    title = "In our words"
    body = "We keep the paths."


def jpeg() -> ContentFile[bytes]:
    """Return the smallest picture that can be read."""
    written = io.BytesIO()
    Image.new("RGB", (2, 1)).save(written, "JPEG")
    return ContentFile(written.getvalue(), f"{secrets.token_hex(16)}.jpg")


class PictureFactory(RecordFactory):
    class Meta:
        model = Picture

    title = Sequence("View {}".format)
    slug = Sequence("view-{}".format)
    alternative_text = "Two walkers on a path"
    file = LazyFunction(jpeg)
    size, width, height, sha256 = 600, 2, 1, "0" * 64
    state = State.PUBLISHED


class DocumentFactory(RecordFactory):
    class Meta:
        model = Document

    title = Sequence("Report {}".format)
    slug = Sequence("report-{}".format)
    file = LazyFunction(lambda: ContentFile(b"Words.", f"{secrets.token_hex(16)}.txt"))
    size, sha256 = 6, "0" * 64
    state = State.PUBLISHED


class SynonymFactory(RecordFactory):
    class Meta:
        model = Synonym

    typed = Sequence("ramblers {}".format)
    found = "walkers"


class StoryFactory(PublishedFactory):
    class Meta:
        model = Story

    title = Sequence("News {}".format)
    slug = Sequence("news-{}".format)
    summary = "A path was opened."
    body = "It was **long**."
    published_on = DAY


class ApproachFactory(RecordFactory):
    class Meta:
        model = ToolkitApproach

    toolkit = "Moor toolkit"
    title = Sequence("Walking in company {}".format)
    slug = Sequence("walking-in-company-{}".format)
    url = "https://toolkit.example.org/walking"
    read_on = DAY
    impact = "High"
    evidence = "3 out of 5"
    cost = "££"
    state = State.PUBLISHED


class AssessmentFactory(RecordFactory):
    class Meta:
        model = EvidenceAssessment

    initiative = SubFactory(InitiativeFactory)
    author = SubFactory(UserFactory)
    evidence = "Night walks were counted."
    need = "Walkers stumble."
    expected_effect = "Fewer stumbles."
    community_asked = "Forty walkers, at three gates."
    community_said = "The lamps are out."
    community_changed = "The walk begins where lamps are."


class AssessmentDecisionFactory(RecordFactory):
    class Meta:
        model = AssessmentDecision

    assessment = SubFactory(AssessmentFactory)
    recorded_by = SubFactory(UserFactory)
    outcome = Outcome.APPROVED
    decided_on = DAY
    reasons = "The count is sound."
