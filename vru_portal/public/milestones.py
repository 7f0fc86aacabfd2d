"""The programme's own milestones. Nobody writes them: each follows from records, and has the date of its record."""

from collections.abc import Iterator

from django.db.models import Min
from django.utils import timezone

from events.declarations.models import DeclarationVersion, Entry
from funding.models import Payment
from funding.validators import year_label
from partners.models import Publication
from programmes.choices import NewsKind
from programmes.presenters.news import NewsItem
from vru_portal.web.addresses import address_of

# How many organisations have signed, in words for the sentence.
SIGNATURES = {1: "first", 10: "tenth", 50: "fiftieth", 100: "hundredth", 500: "five hundredth", 1000: "thousandth"}


def milestones() -> list[NewsItem]:
    """All milestones, in no order."""
    return [*texts_in_force(), *signatures(), *first_payments(), *publications()]


def texts_in_force() -> Iterator[NewsItem]:
    for version in DeclarationVersion.objects.in_force(timezone.localdate()).select_related("declaration"):
        assert version.in_force_from is not None, "a text in force has its day"  # noqa: S101
        title = f"Version {version.number} of “{version.declaration.title}” came into force"
        yield NewsItem(
            version.in_force_from,
            title,
            version.get_absolute_url(),
            NewsKind.DECLARATION,
            "From the date set for the text",
            "in-force",
        )


def signatures() -> Iterator[NewsItem]:
    """The first signature, the tenth and so on, counted by organisation: who signs a later text counts once."""
    firsts = Entry.objects.signatures().order_by().values("body").annotate(at=Min("recorded_at"))
    moments = list(firsts.order_by("at").values_list("at", flat=True)[: max(SIGNATURES)])
    for number, word in SIGNATURES.items():
        if len(moments) >= number:
            day = timezone.localdate(moments[number - 1])
            yield NewsItem(
                day,
                f"The {word} organisation signed the declaration",
                address_of("declarations:register"),
                NewsKind.DECLARATION,
                "From the public register",
                f"signature-{number}",
            )


def first_payments() -> Iterator[NewsItem]:
    year = "allocation__funding_source__year__first_year"
    payments = Payment.objects.standing().filter(amount__gt=0).order_by()
    for first_year, day in payments.values_list(year).annotate(Min("paid_on")):
        label = year_label(first_year)
        yield NewsItem(
            day,
            f"The first payment from the money for {label} was made",
            address_of("funding:payments", label),
            NewsKind.MONEY,
            "From the payments as recorded here",
            "first-payment",
        )


def publications() -> Iterator[NewsItem]:
    """What the unit itself has published."""
    for publication in Publication.objects.public().filter(issued_by__as_unit__isnull=False):
        yield NewsItem(
            publication.published_on,
            f"Published: {publication.title}",
            publication.get_absolute_url(),
            NewsKind.PUBLICATION,
            "From the date of the publication",
            "published",
        )
