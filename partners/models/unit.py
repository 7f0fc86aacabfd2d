import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q

from partners import phrases, querysets, validators
from partners.choices import ContactKind
from partners.models.organisations import Organisation
from partners.provenance import Sourced
from vru_portal.publishing.state import Part, Record
from vru_portal.text.fields import LineField, LongTextField, WebAddressField
from vru_portal.web.addresses import address_of


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
        help_text="The organisation whose office the unit shares.",
    )
    region = LineField(max_length=80, help_text="The area that it serves, as headings should name it.")
    area_code = LineField(
        "area's official code",
        max_length=9,
        blank=True,
        validators=[validators.gss_code],
        help_text="The code of that area in the Office for National Statistics' register of geographic codes, such as "
        "E23000014. Once stated, 360Giving files name this area as the one that grants of a budget heading are for.",
    )
    slogan = LineField(max_length=80, help_text="Shown in large type on the home page, exactly as the unit writes it.")
    slogan_emphasis = LineField(
        max_length=40,
        blank=True,
        help_text="The part of the slogan to show in the accent colour, copied exactly from it.",
    )
    vision = LongTextField(blank=True, help_text="As published. It is quoted, so do not change a word.")
    help_lines = LongTextField(
        blank=True,
        help_text="Who people can contact in danger or distress: names, telephone numbers, hours. Shown with each "
        "safety notice, on the contact page and where a search finds nothing. Until you state any, pages show none. "
        "Markdown.",
    )
    description = LineField(max_length=200, help_text="One sentence for search engines and shared links.")
    is_example = models.BooleanField(
        "shows example data", default=False, editable=False, help_text="Every page of a demonstration says so."
    )
    publishes_gaps = models.BooleanField(
        "publishes what is missing",
        default=False,
        help_text="Everybody can then open the page that lists what lacks an assessment, a payment, a check and so on. "
        "Otherwise only staff can.",
    )
    colour_ink = LineField(
        "ink",
        max_length=7,
        blank=True,
        validators=[validators.ink],
        help_text="The dark colour of text, lines and the cover, as #rrggbb. Leave empty to use the portal's own.",
    )
    colour_accent = LineField(
        "accent",
        max_length=7,
        blank=True,
        validators=[validators.colour],
        help_text="The colour of the slogan's emphasis and of the main buttons, as #rrggbb. Leave empty to use "
        "the portal's own.",
    )

    phrases = models.JSONField(
        "wording of the pages",
        default=dict,
        blank=True,
        editable=False,
        help_text="The unit's own wording of headings, buttons and labels: see phrases.py.",
    )

    objects = querysets.UnitQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "unit"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="partners_unit_is_one")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check that the slogan contains its emphasis, and that the phrases fit and the colours can be read."""
        phrases.check_phrases(self.phrases)
        if self.slogan_emphasis not in self.slogan:
            raise ValidationError(
                {"slogan_emphasis": "The emphasis must be a part of the slogan. Copy it exactly from there."}
            )
        if validators.is_colour(self.colour_ink) and validators.is_colour(self.colour_accent):
            ratio = validators.contrast(self.colour_ink, self.colour_accent)
            if ratio < 4.5:
                advice = (
                    f"Choose a lighter accent. This one has a contrast of {ratio:.1f}:1 with the ink, and needs 4.5:1."
                )
                raise ValidationError({"colour_accent": advice})
        elif bool(self.colour_ink) != bool(self.colour_accent):
            raise ValidationError(
                {"colour_accent": "Enter both colours or neither: text in one is shown on the other."}
            )

    @property
    def name(self) -> str:
        return self.organisation.name

    def phrase(self, key: str, count: int | None = None, **values: Any) -> str:
        """A phrase of the pages in the unit's own wording, or in the portal's."""
        return phrases.wording_of(self.phrases, key, count, **values)

    @property
    def has_colours(self) -> bool:
        """Whether it has valid colours of its own. Nothing else may reach the style sheet."""
        return validators.is_colour(self.colour_ink) and validators.is_colour(self.colour_accent)

    @property
    def slogan_parts(self) -> tuple[str, str, str]:
        """The slogan before, in and after its emphasis. The emphasis takes the punctuation that follows it."""
        if not self.slogan_emphasis:
            return self.slogan, "", ""
        before, emphasis, after = self.slogan.partition(self.slogan_emphasis)
        mark, blank, rest = after.partition(" ")
        return before.strip(), emphasis + mark, rest if blank else ""

    @staticmethod
    def display_phrases(own_phrases: dict[str, str]) -> str:
        """The unit's own phrases for a list of changes, each with the place where it is shown."""
        return "\n".join(f"{phrases.PHRASES[key].where}: {text}" for key, text in sorted(own_phrases.items()))

    def publishing_blockers(self) -> dict[str, str]:
        blockers = super().publishing_blockers()
        if not self.organisation.is_public:
            blockers["organisation"] = (
                f"{self.organisation} is a draft. Publish it first, as every page shows its name."
            )
        return blockers

    @property
    def public_address(self) -> str:
        return address_of("home")


class ContactPoint(Sourced, Part):
    """A way to reach the unit."""

    owner_name = "unit"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=6, choices=ContactKind)
    label = LineField(max_length=60, blank=True, help_text="For social media, the network's name.")
    value = LongTextField(help_text="The address, number or name, as stated. A postal address can have several lines.")
    url = WebAddressField("link", blank=True, help_text="For social media, a link to the account.")
    note = LineField(max_length=120, blank=True, help_text="What to ask for.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest number comes first.")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ContactKind.values), name="partners_contactpoint_kind_known"),
            models.UniqueConstraint(fields=["unit", "kind", "label", "value"], name="partners_contactpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.get_kind_display()}: {self.value.splitlines()[0] if self.value else ''}"

    def clean(self) -> None:
        """Check the value against its kind, since it becomes a link."""
        if self.kind == ContactKind.EMAIL:
            validate_email(self.value)
        if self.kind == ContactKind.PHONE and not re.fullmatch(r"\+?[0-9 ()]{3,30}", self.value):
            raise ValidationError({"value": "Enter a telephone number of digits and spaces, such as 0300 123 4567."})
        if self.kind == ContactKind.SOCIAL and not (self.label and self.url):
            raise ValidationError(
                {"label": "For social media, enter the name of the network and a link to the account."}
            )

    @property
    def href(self) -> str:
        """The address of a link to it, which opens an email, a call or a page. Empty if there is nothing to open."""
        match self.kind:
            case ContactKind.EMAIL:
                return f"mailto:{self.value}"
            case ContactKind.PHONE:
                return "tel:" + "".join(c for c in self.value if c.isdigit() or c == "+")
            case _:
                return self.url
