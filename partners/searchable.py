"""The partners that search finds."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from partners.models import ContactPoint, Organisation, Person, Statement
from vru_portal.search.documents import ResultKind, Searchable, SearchDocument
from vru_portal.search.words import STOP_WORDS, words_of

FEWEST_INITIALS = 3


def organisation(row: Organisation) -> SearchDocument:
    words = [row.sector.name if row.sector else "", row.website]
    initials = filter(None, map(initials_of, (row.name, *row.other_name_list)))
    return SearchDocument(
        row.name, row.get_absolute_url(), row.summary, (*row.other_name_list, *initials), " ".join(words)
    )


def initials_of(name: str) -> str:
    """What people call a body with a long name: “City of London Corporation” is “CLC”."""
    letters = [word[0] for word in words_of(name) if word not in STOP_WORDS]
    return "".join(letters).upper() if len(letters) >= FEWEST_INITIALS else ""


def person(row: Any) -> SearchDocument:
    posts = "; ".join(post.described for post in row.public_posts)
    return SearchDocument(row.full_name, row.get_absolute_url(), posts, (row.name, *row.other_name_list), row.biography)


def statement(row: Statement) -> SearchDocument:
    return SearchDocument(
        row.title,
        row.get_absolute_url(),
        row.summary,
        (f"{row.attributed_to}'s message", f"Quotes from {row.attributed_to}"),
        joined((row.quote, row.text)),
    )


def contact_point(row: ContactPoint) -> SearchDocument:
    return SearchDocument("Contact", reverse("partners:contact"), joined((row.label, row.value)), (), row.note)


def joined(texts: Iterable[str | None]) -> str:
    return "\n\n".join(filter(None, texts))


SEARCHABLES = (
    Searchable(
        ResultKind.ORGANISATION,
        lambda: Organisation.objects.public().select_related("sector"),
        organisation,
        weight=1.05,
    ),
    Searchable(ResultKind.PERSON, lambda: Person.objects.public().with_posts(), person, weight=1.05),
    Searchable(ResultKind.PAGE, ContactPoint.objects.all, contact_point),
    Searchable(ResultKind.MESSAGE, lambda: Statement.objects.public().select_related("speaker"), statement, weight=0.8),
)
