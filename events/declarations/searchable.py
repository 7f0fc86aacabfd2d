"""What search finds about the declaration: its versions, and the organisations that have signed."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from events.declarations.models import DeclarationVersion, LiveSignature
from partners.searchable import joined
from vru_portal.search.documents import ResultKind, Searchable, SearchDocument
from vru_portal.text.dates import format_date


def versions() -> QuerySet[DeclarationVersion]:
    return DeclarationVersion.objects.in_force(timezone.localdate()).select_related("declaration")


def version(row: DeclarationVersion) -> SearchDocument:
    since = f"In force from {format_date(row.in_force_from)}." if row.in_force_from else ""
    return SearchDocument(
        str(row), row.get_absolute_url(), since, (row.declaration.title,), joined((row.text, row.note))
    )


def signatures() -> QuerySet[LiveSignature]:
    in_force = DeclarationVersion.objects.in_force(timezone.localdate()).order_by().values("pk")
    return (
        LiveSignature.objects.filter(version__in=in_force)
        .select_related("body", "version", "entry")
        .defer("version__text", "entry__leaf", "entry__checkpoint")
    )


def signature(row: LiveSignature) -> SearchDocument:
    """The organisation alone: who signed for it is shown, if they agreed, by the entry's page, and by nothing else."""
    return SearchDocument(
        f"{row.body.name}: signature",
        reverse("declarations:entry", args=[row.entry.seq]),
        f"Has signed version {row.version.number} of the declaration.",
        (),
        "signatory signed",
    )


SEARCHABLES = (
    Searchable(ResultKind.DECLARATION, versions, version),
    Searchable(ResultKind.DECLARATION, signatures, signature, weight=0.6),
)
