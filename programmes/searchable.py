"""The parts of the programme that search finds."""

from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.urls import reverse

from partners.choices import PublicationKind
from partners.models import Publication
from partners.searchable import joined
from programmes.choices import ANCHORS, PassagePlace
from programmes.models import (
    Document,
    DocumentText,
    Initiative,
    Passage,
    Predecessor,
    PreventionLevel,
    Story,
    SuccessCondition,
    Term,
)
from vru_portal.search.documents import ResultKind, Searchable, SearchDocument
from vru_portal.text.dates import format_date


def initiatives() -> QuerySet[Initiative]:
    rows = Initiative.objects.public().select_related("level", "lead_organisation").order_by("pk")
    # As lists: to read each of a thousand rows through a manager takes longer than all the rest.
    return rows.prefetch_related(
        *(Prefetch(relation, to_attr=f"{relation}_list") for relation in ("audiences", "settings", "areas", "partners"))
    )


def initiative(row: Any) -> SearchDocument:
    organisations = [one.name for one in (row.lead_organisation, *row.partners_list) if one and one.is_public]
    words = (*row.audiences_list, *row.settings_list, *row.areas_list)
    text = joined(
        (
            *(row.audience_text, row.setting_text, row.area_text, row.description, row.eligibility, row.referral),
            *(row.contact, row.funded_period, row.level.full_name, row.sensitive_topic),
            *(word.name for word in words),
            *organisations,
        )
    )
    return SearchDocument(row.name, row.get_absolute_url(), row.summary, (), text, sensitive=bool(row.sensitive_topic))


def level(row: PreventionLevel) -> SearchDocument:
    return SearchDocument(row.full_name, row.get_absolute_url(), row.summary, (), joined((row.moment, row.definition)))


def condition(row: SuccessCondition) -> SearchDocument:
    return SearchDocument(
        row.title, f"{reverse('about')}#condition-{row.number}", "A condition for success.", (), row.text
    )


def predecessor(row: Predecessor) -> SearchDocument:
    return SearchDocument(
        row.title, f"{reverse('about')}#building", "Earlier work that the unit builds on.", (), row.description
    )


def term(row: Term) -> SearchDocument:
    address = f"{reverse('about')}#{'violence' if row.defines_violence else f'term-{row.slug}'}"
    return SearchDocument(row.name, address, "What this term means.", (f"Definition of {row.name}",), row.definition)


def passage(row: Passage) -> SearchDocument:
    page = PassagePlace(row.slot).label.partition(":")[0]
    return SearchDocument(row.title or page, row.place_address, "", () if row.slot in ANCHORS else (page,), row.body)


def story(row: Story) -> SearchDocument:
    return SearchDocument(
        row.title, row.get_absolute_url(), row.summary, (), joined((row.body, format_date(row.published_on)))
    )


def publication(row: Publication) -> SearchDocument:
    authors = [author.full_name for author in row.authors.all() if author.is_public]
    issuer = [row.issued_by.name] if row.issued_by and row.issued_by.is_public else []
    names = (row.issued_by.name, *row.issued_by.other_name_list) if issuer and row.issued_by else ()
    kind = () if row.kind == PublicationKind.OTHER else (row.get_kind_display(),)
    called = (*(f"{name} report" for name in names), *kind)
    published = format_date(row.published_on) if row.published_on else ""
    text = joined((*issuer, *authors, row.period, row.area, published))
    return SearchDocument(row.title, row.get_absolute_url(), row.note, called, text)


def documents() -> QuerySet[Document]:
    texts = DocumentText.objects.filter(sha256=OuterRef("sha256")).values("text")
    return Document.objects.public().select_related("publication").annotate(words=Subquery(texts))


def document(row: Any) -> SearchDocument:
    """A file of a publication leads to the publication's page, which has its other files and says what it is."""
    publication = row.publication if row.publication and row.publication.is_public else None
    summary = f"A file of {publication.title}." if publication else "A document to download."
    page = publication or row
    return SearchDocument(row.title, page.get_absolute_url(), summary, (), joined((row.credit, row.words)))


SEARCHABLES = (
    Searchable(ResultKind.INITIATIVE, initiatives, initiative, weight=1.4),
    Searchable(ResultKind.PAGE, PreventionLevel.objects.public, level, weight=1.1),
    Searchable(ResultKind.PAGE, SuccessCondition.objects.public, condition, weight=0.7),
    Searchable(ResultKind.PAGE, Predecessor.objects.public, predecessor, weight=0.8),
    Searchable(ResultKind.PAGE, Term.objects.public, term),
    Searchable(ResultKind.PAGE, lambda: Passage.objects.public().exclude(slot__startswith="home"), passage, weight=0.9),
    Searchable(ResultKind.PAGE, lambda: Passage.objects.public().filter(slot__startswith="home"), passage, weight=0.6),
    Searchable(ResultKind.NEWS, Story.objects.public, story, weight=0.9),
    Searchable(
        ResultKind.PUBLICATION,
        lambda: Publication.objects.public().select_related("issued_by").prefetch_related("authors"),
        publication,
    ),
    Searchable(ResultKind.PUBLICATION, documents, document, weight=0.9),
)
