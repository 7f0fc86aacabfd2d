import hashlib
import os
from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from simple_history.models import HistoricalRecords

from partners.models import Organisation, Publication
from partners.provenance import Sourced
from programmes import querysets
from programmes.choices import PAGES, Mark, Outcome, Slot
from vru_portal.append_only import (
    INSERT,
    STAYS_PUBLISHED,
    UPDATE,
    AppendOnly,
    Guard,
    Reversible,
    stays_published,
)
from vru_portal.publishing import Publishable
from vru_portal.slugs import Slugged


class PreventionLevel(Slugged, Publishable, Sourced):
    """A level of prevention: when it acts, and on whom."""

    initiative_count: int  # set by `objects.with_counts()`
    public_initiatives: list["Initiative"]  # set by `objects.with_initiatives()`

    name = models.CharField(max_length=60, unique=True, help_text="One word where possible, such as Primary.")
    position = models.PositiveSmallIntegerField(unique=True, help_text="Its place in the story, from the left.")
    mark = models.CharField(max_length=8, choices=Mark, unique=True, help_text="Its shape and colour on every page.")
    moment = models.CharField(max_length=60, help_text="When it acts, in a few words, such as “Before it starts”.")
    summary = models.CharField(max_length=200, help_text="One sentence.")
    definition = models.TextField(help_text="What this level means, in the portal's words. Markdown.")

    objects = querysets.LevelQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(mark__in=Mark.values), name="programmes_level_mark_known"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("programmes:level", args=[self.slug])

    def clean(self) -> None:
        """Keep published what shows the money of its initiatives."""
        super().clean()
        if not self.is_public and self.pk and any(map(stays_published, self.initiatives.all())):
            raise ValidationError({"state": STAYS_PUBLISHED.format("level of prevention")})

    @property
    def full_name(self) -> str:
        """Name and what it is a level of."""
        return f"{self.name} prevention"


class OnAbout(models.Model):
    """What stands on the about page, and on none of its own."""

    class Meta:
        abstract = True

    @property
    def public_address(self) -> str:
        """The about page."""
        return reverse("about")


class SuccessCondition(OnAbout, Publishable, Sourced):
    """A condition that must be met for the programme to succeed."""

    number = models.PositiveSmallIntegerField(
        unique=True, validators=[MinValueValidator(1)], help_text="Its place, which stands beside it."
    )
    title = models.CharField(max_length=120)
    text = models.TextField(help_text="What it asks for, in the portal's words. Markdown.")
    level = models.ForeignKey(
        PreventionLevel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="conditions",
        help_text="The level of prevention that it names, if any.",
    )

    objects = querysets.ConditionQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"


class Vocabulary(Slugged):
    """A word that initiatives share, so that visitors can filter by it."""

    name = models.CharField(max_length=80, unique=True)

    objects = querysets.VocabularyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Audience(Vocabulary):
    """Whom an initiative is for."""


class Setting(Vocabulary):
    """The kind of place in which an initiative works."""


class Area(Vocabulary):
    """A named place that an initiative serves."""


LEVEL_PUBLISHED = "Money is recorded against this initiative: its level of prevention must be a published one."


class Initiative(Slugged, Publishable, Sourced):
    """A project or scheme that the programme funds."""

    name = models.CharField(max_length=160, unique=True)
    level = models.ForeignKey(
        PreventionLevel,
        on_delete=models.PROTECT,
        related_name="initiatives",
        help_text="When it acts. While that level is a draft, the initiative is on no page either.",
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Its place within its level: the lowest comes first, the same are sorted by name."
    )
    summary = models.CharField(max_length=200, help_text="One sentence.")
    description = models.TextField(help_text="What it does, in the portal's words. Markdown.")
    funded_period = models.CharField(max_length=120, blank=True, help_text="When it is funded, as stated.")
    audience_text = models.CharField(
        "who it is for",
        max_length=200,
        blank=True,
        help_text="As stated. Empty: the page says “Not stated”. Visitors filter by the words below.",
    )
    audiences = models.ManyToManyField(Audience, blank=True, related_name="initiatives")
    setting_text = models.CharField(
        "where it works", max_length=200, blank=True, help_text="The kind of place, as stated, such as schools."
    )
    settings = models.ManyToManyField(Setting, blank=True, related_name="initiatives")
    area_text = models.CharField(
        "area served", max_length=200, blank=True, help_text="The places, as stated. Empty: “Not stated”."
    )
    areas = models.ManyToManyField(Area, blank=True, related_name="initiatives")
    eligibility = models.TextField(
        "who may join", blank=True, help_text="Only what is stated: it is read as a promise."
    )
    referral = models.TextField(
        "how to be referred", blank=True, help_text="Whom somebody has to ask, and how, as stated."
    )
    contact = models.TextField(
        "whom to ask", blank=True, help_text="A public address or number of the service, not of a person."
    )
    lead_organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="initiatives_delivered",
        verbose_name="delivered by",
        help_text="Only where it is stated.",
    )
    partners = models.ManyToManyField(
        Organisation,
        blank=True,
        related_name="initiatives_supported",
        help_text="Who helps to deliver it, where that is stated. Not who pays: that is an allocation.",
    )
    sensitive_topic = models.CharField(
        max_length=60,
        blank=True,
        help_text="Such as domestic abuse. Pages that show it then offer “Exit this page”.",
    )
    safety_notice = models.TextField(
        blank=True,
        help_text="What somebody at risk should know. Needed before a sensitive initiative is published. Markdown.",
    )

    _history_m2m_fields = ("audiences", "settings", "areas", "partners")  # where simple-history looks for them

    objects = querysets.InitiativeQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["level__position", "position", "name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state="draft") | Q(sensitive_topic="") | ~Q(safety_notice=""),
                name="programmes_initiative_sensitive_needs_notice",
                violation_error_message="A sensitive initiative needs a safety notice before it is published.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("programmes:initiative", args=[self.slug])

    def clean(self) -> None:
        """Keep what money is recorded against on a level that the public sees."""
        super().clean()
        if self.pk and self.level_id and not self.level.is_public and stays_published(self):
            raise ValidationError({"level": LEVEL_PUBLISHED})

    def lacks(self) -> dict[str, str]:
        """Name a level that the public cannot see."""
        said = super().lacks()
        if not self.level.is_public:
            said["level"] = f"{self.level} is a draft: publish that level first, or choose another."
        return said


# Whether a decision stands on an assessment.
DECIDED = (
    "EXISTS (SELECT 1 FROM programmes_assessmentdecision d WHERE d.assessment_id = {assessment} "
    "AND d.reverses_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision r WHERE r.reverses_id = d.id))"
)


class EvidenceAssessment(AppendOnly):
    """Why an initiative should be given money: drafted by its author, frozen once somebody else has decided on it.

    The unit allocates money only after evidence has been generated and analysed (brochure, Executive Team's message).
    """

    redactable = ("evidence", "need", "expected_effect")
    frozen_once = DECIDED.format(assessment="OLD.id")
    guards = (
        Guard(
            "author_stays", UPDATE, "NEW.author_id <> OLD.author_id", "The author of an assessment stays its author."
        ),
    )

    approved_on: date  # set by `objects.approved()`

    initiative = models.ForeignKey(Initiative, on_delete=models.PROTECT, related_name="assessments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    evidence = models.TextField(help_text="What was generated and analysed. Published once approved: no personal data.")
    need = models.TextField(help_text="Who needs it, and how much. Published once approved.")
    expected_effect = models.TextField(help_text="What it should change, by when. Published once approved.")
    history = HistoricalRecords()

    objects = querysets.AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Evidence assessment {self.pk} of {self.initiative}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is decided on: whoever decides names by it what they have read."""
        return hashlib.sha256("\0".join((self.evidence, self.need, self.expected_effect)).encode()).hexdigest()

    @property
    def decision(self) -> "AssessmentDecision | None":
        """The decision that stands, if any."""
        return next((d for d in self.decisions.all() if d.reverses_id is None and not d.is_reversed), None)


class AssessmentDecision(Reversible):
    """What somebody other than its author decided of an evidence assessment. Recorded by whoever decided."""

    mirrored = ("assessment", "outcome", "decided_on")
    redactable = ("reasons", "reason")
    guards = (
        Guard(
            "four_eyes",
            INSERT,
            "NOT EXISTS (SELECT 1 FROM programmes_evidenceassessment e "
            "WHERE e.id = NEW.assessment_id AND e.author_id <> NEW.recorded_by_id)",
            "An assessment is decided on, and a decision reversed, by somebody other than its author: ask a colleague.",
        ),
        Guard(
            "once",
            INSERT,
            f"NEW.reverses_id IS NULL AND {DECIDED.format(assessment='NEW.assessment_id')}",
            "This assessment is decided on already. Reverse that decision first.",
            "SELECT 1 FROM programmes_evidenceassessment WHERE id = NEW.assessment_id",
        ),
    )

    assessment = models.ForeignKey(EvidenceAssessment, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=8, choices=Outcome)
    decided_on = models.DateField(help_text="Money can be allocated from this day on, not before.")
    reasons = models.TextField("reasons for the decision", blank=True)

    objects = querysets.DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="programmes_decision_outcome_known"),
            models.CheckConstraint(condition=Q(recorded_by__isnull=False), name="programmes_decision_has_approver"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(reasons=""),
                name="programmes_decision_has_reasons",
                violation_error_message="Say why: the reasons are published with the decision.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display().partition(':')[0]} on {self.decided_on:%-d %B %Y}"

    def clean(self) -> None:
        """Refuse a day that has not come."""
        if self.decided_on and self.decided_on > timezone.localdate():
            raise ValidationError({"decided_on": "This day has not come yet."})


class Predecessor(OnAbout, Publishable, Sourced):
    """Earlier work that the unit builds on."""

    title = models.CharField(max_length=160, unique=True)
    description = models.TextField(blank=True, help_text="As far as stated. Markdown.")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="as_predecessor"
    )
    publication = models.ForeignKey(
        Publication, on_delete=models.PROTECT, null=True, blank=True, related_name="predecessors"
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest comes first.")

    objects = querysets.PredecessorQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position", "title"]

    def __str__(self) -> str:
        return self.title


class Term(OnAbout, Slugged, Publishable, Sourced):
    """A word explained. Where another body's definition is adopted, it stands word for word."""

    name = models.CharField(max_length=80, unique=True)
    definition = models.TextField(
        help_text="Word for word, without quotation marks, where it is another body's. In the portal's words it may be "
        "Markdown."
    )
    defined_by = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="definitions",
        help_text="The body whose definition is quoted. Empty: the portal's words.",
    )
    defines_violence = models.BooleanField(
        "what the unit means by violence", default=False, help_text="Shown large on the about page. One term at most."
    )
    level = models.OneToOneField(PreventionLevel, on_delete=models.CASCADE, null=True, blank=True, related_name="term")

    objects = querysets.TermQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.UniqueConstraint(
                fields=["defines_violence"],
                condition=Q(defines_violence=True),
                name="programmes_term_defines_violence_once",
                violation_error_message="Another term already says what the unit means by violence.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Passage(Publishable, Sourced):
    """The unit's own words in one place of a page."""

    slot = models.CharField("place", max_length=20, choices=Slot, unique=True)
    title = models.CharField(max_length=120, blank=True, help_text="The heading there, where it has one.")
    body = models.TextField(help_text="Markdown.")

    objects = querysets.PassageQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["slot"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(slot__in=Slot.values), name="programmes_passage_slot_known"),
        ]

    def __str__(self) -> str:
        return self.get_slot_display()

    def natural_key(self) -> tuple[str]:
        """Its place."""
        return (self.slot,)

    @property
    def public_address(self) -> str:
        """The page that the place is on."""
        return reverse(PAGES[self.slot.partition("_")[0]])


class Uploads(FileSystemStorage):
    """The folder that the settings name now, which tests change: Django's own remembers the first that it was told."""

    @property
    def base_location(self) -> str:
        """The folder."""
        return str(settings.UPLOADS)

    @property
    def location(self) -> str:
        """The folder, from the root."""
        return os.path.abspath(self.base_location)


def uploads() -> FileSystemStorage:
    """Return where what staff upload lies: no address leads there, a view sends it."""
    return Uploads(base_url=None)


class Uploaded(Slugged, Publishable):
    """A file that staff upload, and what is said of it."""

    title = models.CharField(max_length=160, help_text="What it is: what links to it say.")
    size = models.PositiveIntegerField("bytes", default=0, editable=False)
    sha256 = models.CharField("fingerprint", max_length=64, editable=False)
    credit = models.CharField(max_length=160, blank=True, help_text="Whose work it is, where that must be said.")

    class Meta(Publishable.Meta):
        abstract = True
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Picture(Uploaded):
    """A picture for stories: made smaller, and without what the camera wrote into it (the place, for one)."""

    file = models.FileField(storage=uploads, upload_to="pictures", max_length=200)
    alternative_text = models.CharField(
        max_length=250,
        blank=True,
        help_text="What it shows, for who cannot see it. Needed before it is published. Not “picture of …”.",
    )
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    history = HistoricalRecords()

    objects = querysets.PictureQuerySet.as_manager()

    class Meta(Uploaded.Meta):
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state="draft") | ~Q(alternative_text=""),
                name="programmes_picture_needs_alternative_text",
                violation_error_message="A picture needs an alternative text before it is published.",
            ),
        ]

    def get_absolute_url(self) -> str:
        """The picture itself."""
        return reverse("programmes:picture", args=[self.slug])

    def lacks(self) -> dict[str, str]:
        """Name a missing alternative text."""
        if not self.alternative_text.strip():
            return {"alternative_text": "Say in a sentence what the picture shows: some visitors cannot see it."}
        return super().lacks()


class Document(Uploaded):
    """A document to download: a PDF, a table, a text."""

    file = models.FileField(storage=uploads, upload_to="documents", max_length=200)
    history = HistoricalRecords()

    objects = querysets.DocumentQuerySet.as_manager()

    def get_absolute_url(self) -> str:
        """The document itself."""
        return reverse("programmes:document", args=[self.slug])


class Story(Slugged, Publishable, Sourced):
    """News by staff."""

    title = models.CharField(max_length=160)
    summary = models.CharField(max_length=200, help_text="One sentence.")
    picture = models.ForeignKey(
        Picture,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stories",
        help_text="Above the text and in the list of news. It is uploaded under Pictures, and published first.",
    )
    body = models.TextField(help_text="Markdown.")
    published_on = models.DateField(
        "dated", help_text="What the story says of itself. When it is published is asked when you publish it."
    )
    source = models.ForeignKey(  # type: ignore[assignment]  # of all that is sourced, only news can do without
        Publication,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The publication that states this. Empty for the unit's own news.",
    )

    objects = querysets.StoryQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name_plural = "stories"
        ordering = ["-published_on", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("programmes:story", args=[self.slug])

    def lacks(self) -> dict[str, str]:
        """Name a picture that the public cannot see."""
        said = super().lacks()
        if self.picture and not self.picture.is_public:
            said["picture"] = f"“{self.picture}” is a draft: publish that picture first, or leave it out."
        return said
