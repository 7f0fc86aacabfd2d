import re
from typing import Any, Self

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from partners import phrases, querysets, validators
from partners.choices import ContactKind, Seat
from partners.provenance import Sourced
from vru_portal.publishing import Part, Publishable, Record
from vru_portal.slugs import Slugged

OTHER_NAMES_HELP = "Other spellings in the sources, one a line: search finds them, pages mention them."


class OtherNames(models.Model):
    """A body or person that the sources write in more than one way."""

    other_names = models.TextField(blank=True, help_text=OTHER_NAMES_HELP)

    class Meta:
        abstract = True

    @property
    def other_name_list(self) -> list[str]:
        """The other spellings."""
        return [line.strip() for line in self.other_names.splitlines() if line.strip()]


class Sector(Slugged):
    """A sector that organisations belong to, in this unit's own words."""

    name = models.CharField(max_length=80, unique=True)

    objects = querysets.SectorQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Publication(Slugged, Publishable):
    """Something published that facts are taken from. It is a source, so it has none itself."""

    author_links: list[tuple[str, str]]  # set by `objects.with_authors()`

    title = models.CharField(max_length=200)
    published_on = models.DateField(
        "published or launched on", help_text="What its facts were true on, unless they say otherwise."
    )
    issued_by = models.ForeignKey(
        "partners.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="publications"
    )
    authors = models.ManyToManyField("partners.Person", blank=True, related_name="publications")
    note = models.TextField(blank=True, help_text="What it is, in a sentence or two.")
    history = HistoricalRecords(m2m_fields=["authors"])

    objects = querysets.PublicationQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["-published_on", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its entry in the list of sources on the about page."""
        return f"{reverse('about')}#publication-{self.slug}"

    def needed_by(self) -> str:
        """Name a public fact that is taken from it: each page names the sources of what it says."""
        for model in apps.get_models():
            if issubclass(model, Sourced):
                for row in model._default_manager.filter(source=self):
                    if getattr(row, "is_public", True):
                        return f"Published facts are taken from it, {row} for one: give them another source first."
        return ""


class Organisation(Slugged, OtherNames, Publishable, Sourced):
    """A body that leads, pays, delivers, speaks or signs."""

    name = models.CharField(max_length=200, unique=True)
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, null=True, blank=True, related_name="organisations")
    summary = models.TextField(blank=True, help_text="What it is and does here, as stated. Markdown.")
    website = models.URLField(blank=True)
    org_id = models.CharField(
        "organisation identifier",
        max_length=60,
        blank=True,
        validators=[validators.org_id],
        help_text="From a list on org-id.guide, such as GB-COH-12345678: what open data on grants knows it by.",
    )
    is_group = models.BooleanField(
        "a group", default=False, help_text="Several bodies that the source does not name one by one."
    )
    represents = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="represented_by",
        help_text="The group for which it sits at the table.",
    )

    objects = querysets.OrganisationQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["name"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(represents=F("id")) | Q(represents=None),
                name="partners_organisation_represents_others",
                violation_error_message="An organisation represents others, not itself.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("partners:organisation", args=[self.slug])

    def needed_by(self) -> str:
        """Say that the portal bears its name."""
        return "Every page bears its name: it is the unit's own body." if hasattr(self, "as_unit") else ""


class Unit(Sourced, Record):
    """The violence reduction unit that this installation serves: one row, whose key is always 1."""

    parts = ("contact_points",)
    contact_list: list["ContactPoint"]  # set by `objects.current()`

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="as_unit")
    host = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="hosted_units",
        help_text="The body at whose office the unit is.",
    )
    region = models.CharField(max_length=80, help_text="The area it serves, as a heading names it.")
    slogan = models.CharField(max_length=80, help_text="Set large on home, exactly as the unit writes it.")
    slogan_emphasis = models.CharField(
        max_length=40,
        blank=True,
        help_text="The part of the slogan to set in the accent colour, exactly as it stands there.",
    )
    vision = models.TextField(blank=True, help_text="As published. It is quoted, so change no word of it.")
    description = models.CharField(max_length=200, help_text="One sentence for search engines and shared links.")
    is_example = models.BooleanField(
        "shows example data", default=False, editable=False, help_text="Said on every page of a demonstration."
    )
    colour_ink = models.CharField(
        "ink",
        max_length=7,
        blank=True,
        validators=[validators.ink],
        help_text="The dark colour of text, rules and the cover, as #rrggbb. Empty: the portal's own.",
    )
    colour_accent = models.CharField(
        "accent",
        max_length=7,
        blank=True,
        validators=[validators.colour],
        help_text="The colour of the slogan's emphasis and of the main buttons, as #rrggbb. Empty: the portal's own.",
    )

    phrases = models.JSONField(
        "words of the pages",
        default=dict,
        blank=True,
        editable=False,
        help_text="What headings, buttons and labels say where it is not the portal's own: see phrases.py.",
    )

    objects = querysets.UnitQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "unit"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="partners_unit_is_one")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Hold the emphasis to the slogan, the phrases to their places, and the two colours to a readable contrast."""
        phrases.check(self.phrases)
        if self.slogan_emphasis not in self.slogan:
            raise ValidationError({"slogan_emphasis": "This is not a part of the slogan. Copy it exactly from there."})
        if validators.is_colour(self.colour_ink) and validators.is_colour(self.colour_accent):
            ratio = validators.contrast(self.colour_ink, self.colour_accent)
            if ratio < 4.5:
                advice = f"Its contrast with the ink is {ratio:.1f}:1 and must be 4.5:1: choose a lighter accent."
                raise ValidationError({"colour_accent": advice})
        elif bool(self.colour_ink) != bool(self.colour_accent):
            raise ValidationError({"colour_accent": "Set both colours or neither: they are read on one another."})

    @property
    def name(self) -> str:
        """Its organisation's name."""
        return self.organisation.name

    def phrase(self, key: str, count: int | None = None, **values: Any) -> str:
        """Return a phrase of `phrases` in this unit's words."""
        return phrases.said(self.phrases, key, count, **values)

    @property
    def has_colours(self) -> bool:
        """Whether it wears colours of its own; what is no colour never reaches a style sheet."""
        return validators.is_colour(self.colour_ink) and validators.is_colour(self.colour_accent)

    @property
    def slogan_parts(self) -> tuple[str, str, str]:
        """The slogan before, in and after its emphasis, which takes along the punctuation that follows it."""
        if not self.slogan_emphasis:
            return self.slogan, "", ""
        before, emphasis, after = self.slogan.partition(self.slogan_emphasis)
        mark, blank, rest = after.partition(" ")
        return before.strip(), emphasis + mark, rest if blank else ""

    @staticmethod
    def phrases_in_words(found: dict[str, str]) -> str:
        """Return the unit's own phrases, each with where it stands."""
        return "\n".join(f"{phrases.PHRASES[key].where}: {text}" for key, text in sorted(found.items()))

    def lacks(self) -> dict[str, str]:
        """Name a body of its own that the public cannot see."""
        said = super().lacks()
        if not self.organisation.is_public:
            said["organisation"] = f"{self.organisation} is a draft: publish it first, every page bears its name."
        return said

    @property
    def public_address(self) -> str:
        """Home, which shows most of it."""
        return reverse("home")


class LegalNotice(Record):
    """What the law wants said to whoever gives personal data, and of the site: one row, whose key is always 1."""

    controller = models.CharField(
        max_length=200, blank=True, help_text="The body that answers for personal data taken here, with its address."
    )
    data_protection_contact = models.CharField(
        max_length=200, blank=True, help_text="Whom to write to about personal data: the data protection officer, say."
    )
    lawful_basis = models.TextField(
        blank=True,
        help_text="On what ground of Article 6 of the UK GDPR personal data of signatories is kept, and why.",
    )
    retention_days = models.PositiveIntegerField(
        "days kept",
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(36_500)],
        help_text="Personal data of a signature is erased this many days after signing; of those who did not sign, "
        "this many days after the invitation closed.",
    )
    complaints = models.TextField(
        blank=True,
        help_text="Where a complaint goes and how it is answered; and who decides if that does not help. Markdown.",
    )
    accessibility = models.TextField(
        "accessibility statement",
        blank=True,
        help_text="What works and what does not, how that was tested and when, whom to tell. Markdown.",
    )
    security_contact = models.CharField(
        max_length=200, blank=True, help_text="Where somebody reports a weakness: an address of mail, or a page."
    )

    history = HistoricalRecords()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="partners_legalnotice_is_one")]

    def __str__(self) -> str:
        return "Legal notice"

    def clean(self) -> None:
        """Hold the address for reports of weaknesses to what a machine can read."""
        if self.security_contact and not self.security_uri:
            raise ValidationError({"security_contact": "Give an address of mail, or a page that begins with https://."})

    @property
    def public_address(self) -> str:
        """Privacy, which shows most of it."""
        return reverse("partners:privacy")

    @classmethod
    def current(cls) -> Self:
        """Return what is stated; an empty notice where nothing is."""
        return cls.objects.first() or cls(pk=1)

    @property
    def security_uri(self) -> str:
        """Where a weakness is reported, as security.txt writes it (RFC 9116, 2.5.3); empty where it is not stated."""
        if self.security_contact.startswith("https://") and not re.search(r"\s", self.security_contact):
            return self.security_contact
        try:
            validate_email(self.security_contact)
        except ValidationError:
            return ""
        return f"mailto:{self.security_contact}"

    @property
    def missing(self) -> list[str]:
        """What must be stated before personal data is taken, and is not: the names of the fields."""
        needed = (
            "controller",
            "data_protection_contact",
            "lawful_basis",
            "retention_days",
            "complaints",
            "accessibility",
        )
        return [str(self._meta.get_field(name).verbose_name) for name in needed if not getattr(self, name)]  # type: ignore[union-attr]


class ContactPoint(Sourced, Part):
    """One way to reach the unit."""

    owner_name = "unit"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=6, choices=ContactKind)
    label = models.CharField(max_length=60, blank=True, help_text="For social media, the network's name.")
    value = models.TextField(help_text="The address, number or name, as stated. A postal address has several lines.")
    url = models.URLField("link", blank=True, help_text="For social media, the account's address.")
    note = models.CharField(max_length=120, blank=True, help_text="What to ask for.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest comes first.")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ContactKind.values), name="partners_contactpoint_kind_known"),
            models.UniqueConstraint(fields=["unit", "kind", "label", "value"], name="partners_contactpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.get_kind_display()}: {self.value.splitlines()[0] if self.value else ''}"

    def clean(self) -> None:
        """Hold the value to its kind: a link is made of it."""
        if self.kind == ContactKind.EMAIL:
            validate_email(self.value)
        if self.kind == ContactKind.PHONE and not re.fullmatch(r"\+?[0-9 ()]{3,30}", self.value):
            raise ValidationError({"value": "Write the number in figures and blanks, such as 0300 123 4567."})
        if self.kind == ContactKind.SOCIAL and not (self.label and self.url):
            raise ValidationError({"label": "For social media, name the network and give the account's link."})

    @property
    def href(self) -> str:
        """What a link to it opens: a mail, a call, a page, or nothing."""
        match self.kind:
            case ContactKind.EMAIL:
                return f"mailto:{self.value}"
            case ContactKind.PHONE:
                return "tel:" + "".join(c for c in self.value if c.isdigit() or c == "+")
            case _:
                return self.url


class Person(Slugged, OtherNames, Publishable, Sourced):
    """Somebody who leads, speaks or writes."""

    parts = ("posts",)

    name = models.CharField(max_length=120, help_text="Without title or honorific.")
    honorific = models.CharField(max_length=40, blank=True, help_text="Such as Dr, Cllr, Rev Dr, Rt Hon.")
    family_name = models.CharField(max_length=80, help_text="What lists are sorted by.")
    biography = models.TextField(blank=True, help_text="As stated. Markdown.")

    objects = querysets.PersonQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name_plural = "people"
        ordering = ["family_name", "name"]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        """Their page."""
        return reverse("partners:person", args=[self.slug])

    @property
    def full_name(self) -> str:
        """The name with its honorific."""
        return f"{self.honorific} {self.name}".strip()


class Post(Sourced, Part):
    """What a person is, and where: as at a day."""

    owner_name = "person"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="posts")
    title = models.CharField(max_length=160, blank=True, help_text="As stated on that day, such as Chief Constable.")
    department = models.CharField(
        max_length=160, blank=True, help_text="The part of the body, where the source names one."
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        help_text="Empty where none is stated, as for an artist.",
    )
    seat = models.CharField(
        "part in the unit",
        max_length=9,
        choices=Seat,
        blank=True,
        help_text="A seat on the executive team makes the body a lead organisation. Empty for everybody else involved.",
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The order in which the source names them.")

    objects = querysets.PostQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "title", "organisation"], name="partners_post_once"),
            models.UniqueConstraint(
                fields=["person", "title"], condition=Q(organisation=None), name="partners_post_without_body_once"
            ),
            models.CheckConstraint(
                condition=~Q(title="") | Q(organisation__isnull=False),
                name="partners_post_says_something",
                violation_error_message="A post needs a title, an organisation or both.",
            ),
            models.CheckConstraint(
                condition=~Q(seat=Seat.EXECUTIVE) | Q(organisation__isnull=False),
                name="partners_post_executive_of_a_body",
                violation_error_message="An executive sits for a body: choose the organisation.",
            ),
            models.CheckConstraint(condition=Q(seat__in=["", *Seat.values]), name="partners_post_seat_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.described}"

    def natural_key(self) -> tuple[Any, ...]:
        """Its holder, its title and its body."""
        return (*self.person.natural_key(), self.title, self.organisation and self.organisation.slug)

    @property
    def described(self) -> str:
        """Title, department and body, as far as stated."""
        return ", ".join(part for part in (self.title, self.department, str(self.organisation or "")) if part)


class Statement(Slugged, Publishable, Sourced):
    """A message that somebody published: reported in the portal's words, with one sentence quoted."""

    title = models.CharField(max_length=120)
    speaker = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="statements")
    body_name = models.CharField(
        "speaking as a body",
        max_length=120,
        blank=True,
        help_text="Where no one person speaks: the executive team, say.",
    )
    quote = models.TextField(
        help_text="Exactly one sentence, word for word as published, without quotation marks: the page adds them."
    )
    summary = models.CharField(
        max_length=200, help_text="One sentence in the portal's words, for lists and shared links."
    )
    text = models.TextField(help_text="What the message says, in the portal's words (“he says that …”). Markdown.")
    position = models.PositiveSmallIntegerField(
        default=0, help_text="The lowest comes first: home shows the first two messages."
    )

    objects = querysets.StatementQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position", "title"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(speaker__isnull=False, body_name="") | Q(speaker__isnull=True) & ~Q(body_name=""),
                name="partners_statement_one_voice",
                violation_error_message="A message comes from one person or from one body: fill in one of the two.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("partners:statement", args=[self.slug])

    @property
    def attributed_to(self) -> str:
        """Whose words they are."""
        return str(self.speaker or self.body_name)
