"""What the law requires this unit to publish about its money, and under which licence it does so."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from funding import querysets
from funding.choices import DutyField, DutyList
from partners.models import Organisation
from vru_portal.ledger.money import PoundsField
from vru_portal.text.fields import LineField, WebAddressField

THRESHOLD_HELP = "Only amounts above this are listed. Leave empty to list everything."


class PublicationDuty(models.Model):
    """The law or code that this unit publishes under. A single row, whose key is always 1."""

    THRESHOLDS: ClassVar[dict[DutyList, str]] = {
        DutyList.GRANTS: "grants_over",
        DutyList.ITEMS: "items_over",
        DutyList.CONTRACTS: "contracts_over",
    }

    # Set by `objects.with_list()`.
    column: str | None
    column_label: str

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = LineField(max_length=200, help_text="The full name of the law or code.")
    url = WebAddressField("where it can be read", blank=True)
    awarding_body = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The legal entity that awards the unit's grants and contracts.",
    )
    grants_over = PoundsField("grants over", null=True, blank=True, help_text=THRESHOLD_HELP)
    items_over = PoundsField("other items over", null=True, blank=True, help_text=THRESHOLD_HELP)
    contracts_over = PoundsField("contracts over", null=True, blank=True, help_text=THRESHOLD_HELP)
    licence_name = LineField(
        max_length=120, blank=True, help_text="The licence of the unit's data on funding. 360Giving needs an open one."
    )
    licence_url = WebAddressField("licence's address", blank=True)
    licence_covers_all = models.BooleanField(
        "it is the licence of all lists",
        default=False,
        help_text="Tick this if the unit publishes every list of the page “Open data” under this licence, and not only "
        "those of money.",
    )

    objects = querysets.DutyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "publication duty"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="funding_duty_is_one")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A licence has both a name and an address, or neither."""
        if bool(self.licence_name) != bool(self.licence_url):
            raise ValidationError({"licence_url": "Enter both the name and the address of the licence, or neither."})


class DutyColumn(models.Model):
    """A field that one of the duty's lists must state, and what this law or code calls it."""

    duty = models.ForeignKey(PublicationDuty, on_delete=models.CASCADE, related_name="columns")
    list = models.CharField(max_length=9, choices=DutyList)
    field = models.CharField(max_length=20, choices=DutyField)
    label = LineField(
        max_length=60,
        blank=True,
        help_text="What this law or code calls it. Leave empty to use the portal's own label.",
    )
    required = models.BooleanField(
        default=True, help_text="An allocation without it cannot be recorded. A payment without it is reported."
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["list", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["duty", "list", "field"], name="funding_duty_column_once"),
            models.CheckConstraint(condition=Q(list__in=DutyList.values), name="funding_duty_column_list_known"),
            models.CheckConstraint(condition=Q(field__in=DutyField.values), name="funding_duty_column_field_known"),
        ]

    def __str__(self) -> str:
        return self.label or self.get_field_display()
