"""What can be found: each app declares it in its module `searchable`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import models
from django.db.models import QuerySet


class ResultKind(models.TextChoices):
    """What a result is, by which results are grouped."""

    INITIATIVE = "initiatives", "Initiatives"
    PERSON = "people", "People"
    ORGANISATION = "organisations", "Organisations"
    MONEY = "money", "Money"
    EVENT = "events", "Events"
    MESSAGE = "messages", "Messages"
    PUBLICATION = "publications", "Publications and documents"
    DECLARATION = "declaration", "Declaration"
    NEWS = "news", "News"
    PAGE = "pages", "About the programme and this site"


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """A page, or a part of one, with the words by which it is found."""

    title: str
    address: str
    summary: str = ""  # shown below the title
    names: tuple[str, ...] = ()  # other names of the same thing
    text: str = ""  # Markdown or plain
    sensitive: bool = False  # a page that shows it has “Exit this page”


@dataclass(frozen=True)
class Searchable:
    """A kind of record that can be found."""

    kind: ResultKind
    rows: Callable[[], QuerySet[Any]]  # those that the public may see, with all that `document` reads
    document: Callable[[Any], SearchDocument]
    weight: float = 1.0  # multiplies the score: above 1, this kind ranks higher


class SynonymWords(NamedTuple):
    """Words that visitors use, and those that pages use for the same; either may be several words long."""

    typed: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A document in the index, and the row that it was made of."""

    document: SearchDocument
    searchable: Searchable
    key: Any
    lists: tuple[ResultKind, ...] | None = None  # the kinds of records that the page lists; None for a record itself
    ages: list[tuple[int, int]] = field(default_factory=list)
