import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from vru_portal.publishing.history import HistoryManager
from vru_portal.publishing.state import Record
from vru_portal.text.fields import CountField, LineField, LongTextField
from vru_portal.web.addresses import address_of
from vru_portal.web.prepared_queries import prepared


class LegalNotice(Record):
    """What the unit must state by law about personal data and about the site. One row, whose key is always 1."""

    controller = LineField(
        max_length=200,
        blank=True,
        help_text="The organisation responsible for personal data collected here, with its address.",
    )
    data_protection_contact = LineField(
        max_length=200,
        blank=True,
        help_text="Who to write to about personal data, such as the data protection officer.",
    )
    lawful_basis = LongTextField(
        blank=True,
        help_text="The lawful basis under Article 6 of the UK GDPR for keeping personal data of signatories "
        "and of people who report figures or grants, and why it applies.",
    )
    retention_days = CountField(
        "days kept",
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(36_500)],
        help_text="The personal data of a signature is erased this many days after signing. The data of an invitation "
        "without a signature is erased this many days after it closes. The data of people who report figures is erased "
        "this many days after the return closes. The data of people who report grants is erased this many days after "
        "our request closes.",
    )
    complaints = LongTextField(
        blank=True,
        help_text="How to complain, how you answer complaints, and who decides if somebody is not satisfied with "
        "the answer. Markdown.",
    )
    accessibility = LongTextField(
        "accessibility statement",
        blank=True,
        help_text="What works and what does not, how and when you tested that, and who to contact about "
        "problems. Markdown.",
    )
    security_contact = LineField(
        max_length=200, blank=True, help_text="Where to report a security vulnerability: an email address, or a page."
    )

    history = HistoricalRecords(history_manager=HistoryManager)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="partners_legalnotice_is_one")]

    def __str__(self) -> str:
        return "Legal notice"

    def clean(self) -> None:
        """Check the security contact, as programs read it from security.txt."""
        if self.security_contact and not self.security_uri:
            raise ValidationError(
                {"security_contact": "Enter an email address, or the address of a page that begins with https://."}
            )

    @property
    def public_address(self) -> str:
        return address_of("partners:privacy")

    @classmethod
    def current(cls) -> "LegalNotice":
        """The notice, or an empty one that is not saved if there is none yet."""
        return next(iter(notices()), None) or cls(pk=1)

    @property
    def security_uri(self) -> str:
        """The security contact as a URI for security.txt (RFC 9116, 2.5.3). Empty if none is stated."""
        if self.security_contact.startswith("https://") and not re.search(r"\s", self.security_contact):
            return self.security_contact
        try:
            validate_email(self.security_contact)
        except ValidationError:
            return ""
        return f"mailto:{self.security_contact}"

    @property
    def missing(self) -> list[str]:
        """The names of the fields that must be filled in before the portal may collect personal data, and are empty."""
        needed = (
            "controller",
            "data_protection_contact",
            "lawful_basis",
            "retention_days",
            "complaints",
            "accessibility",
        )
        return [str(self._meta.get_field(name).verbose_name) for name in needed if not getattr(self, name)]  # type: ignore[union-attr]

    @property
    def why_not_collecting(self) -> str:
        """Why nobody may be asked for a name or an email address yet; empty if they may."""
        return f"The legal notice does not say: {', '.join(self.missing)}." if self.missing else ""


@prepared
def notices() -> "models.QuerySet[LegalNotice]":
    return LegalNotice.objects.order_by("pk")[:1]
