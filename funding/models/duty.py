"""What the law asks this unit to publish of its money, and under what licence it does."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from funding import querysets
from funding.choices import DutyField, DutyList
from partners.models import Organisation
from vru_portal.money import PoundsField

OVER = "Only what is above this sum is listed. Empty: everything is."


class PublicationDuty(models.Model):
    """The regime that this unit publishes under: one row, whose key is always 1."""

    THRESHOLDS: ClassVar[dict[DutyList, str]] = {
        DutyList.GRANTS: "grants_over",
        DutyList.ITEMS: "items_over",
        DutyList.CONTRACTS: "contracts_over",
    }

    # Set by `objects.with_counts()`.
    item_count: int
    copies_missing: int
    any_grants: bool
    # Set by `objects.with_list()`.
    column: str | None
    column_label: str

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=200, help_text="The law or code, by its full name.")
    url = models.URLField("where it can be read", blank=True)
    awarding_body = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The body that awards the unit's grants and contracts, which has legal personality.",
    )
    grants_over = PoundsField("grants over", null=True, blank=True, help_text=OVER)
    items_over = PoundsField("other items over", null=True, blank=True, help_text=OVER)
    contracts_over = PoundsField("contracts over", null=True, blank=True, help_text=OVER)
    licence_name = models.CharField(
        max_length=120, blank=True, help_text="The licence of the unit's data on money. 360Giving needs an open one."
    )
    licence_url = models.URLField("licence's address", blank=True)

    objects = querysets.DutyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "publication duty"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="funding_duty_is_one")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Hold a licence's name and address together."""
        if bool(self.licence_name) != bool(self.licence_url):
            raise ValidationError({"licence_url": "Give the licence's name and its address, or neither."})


class DutyColumn(models.Model):
    """Something that the duty asks to be stated in one of its lists, and what this regime calls it."""

    duty = models.ForeignKey(PublicationDuty, on_delete=models.CASCADE, related_name="columns")
    list = models.CharField(max_length=9, choices=DutyList)
    field = models.CharField(max_length=20, choices=DutyField)
    label = models.CharField(max_length=60, blank=True, help_text="As this regime calls it. Empty: the portal's word.")
    required = models.BooleanField(
        default=True, help_text="An allocation without it cannot be recorded; a payment without it is reported."
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
