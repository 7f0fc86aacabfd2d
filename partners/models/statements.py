from django.db import models
from django.db.models import Q

from partners import querysets
from partners.models.people import Person
from partners.provenance import Sourced
from vru_portal.publishing.slugs import Slugged
from vru_portal.publishing.state import Publishable
from vru_portal.text.fields import LineField, LongTextField
from vru_portal.web.addresses import address_of


class Statement(Slugged, Publishable, Sourced):
    """A published message, summarised in the portal's words, with one sentence of it quoted."""

    title = LineField(max_length=120)
    speaker = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="statements")
    body_name = LineField(
        "speaking as a group",
        max_length=120,
        blank=True,
        help_text="If the message is not from one person: for example, the executive team.",
    )
    quote = LongTextField(
        help_text="Exactly one sentence, word for word as published. Leave out the quotation marks: the page adds them."
    )
    summary = LineField(max_length=200, help_text="One sentence in the portal's words, for lists and shared links.")
    text = LongTextField(help_text="What the message says, in the portal's words (“he says that …”). Markdown.")
    position = models.PositiveSmallIntegerField(
        default=0, help_text="The lowest number comes first. The home page shows the first two messages."
    )

    objects = querysets.StatementQuerySet.as_manager()

    class Meta(Publishable.Meta):
        ordering = ["position", "title"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(speaker__isnull=False, body_name="") | Q(speaker__isnull=True) & ~Q(body_name=""),
                name="partners_statement_one_voice",
                violation_error_message="A message is from one person or from one group. Fill in only one of the "
                "two fields.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("partners:statement", self.slug)

    @property
    def attributed_to(self) -> str:
        """The name to show with the quotation."""
        return str(self.speaker or self.body_name)
