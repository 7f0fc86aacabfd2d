from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, FilteredRelation, Prefetch, Q
from django.utils import timezone

from partners.choices import Seat
from vru_portal.publishing.relations import related_manager
from vru_portal.publishing.slugs import SlugQuerySet
from vru_portal.publishing.state import PublishableQuerySet, published
from vru_portal.web.prepared_queries import prepared
from vru_portal.web.public_pages import cached_per_content_version

if TYPE_CHECKING:
    from partners.models import (  # noqa: F401 - bases name them as strings
        ContactPoint,
        Organisation,
        Person,
        Post,
        Publication,
        Sector,
        Statement,
        Unit,
    )

AUTHOR_COLUMNS = ("slug", "honorific", "name")


class UnitQuerySet(models.QuerySet["Unit"]):
    """The one unit that this installation serves."""

    def with_organisations(self) -> Self:
        """Add the unit's own organisation and its host."""
        return self.select_related("organisation", "host")

    def current(self) -> "Unit":
        """The unit, with its contact points in `contact_list`; raises DoesNotExist until a unit is loaded."""
        return cached_per_content_version("unit", self._read_current)

    def _read_current(self) -> "Unit":
        found = units(model=self.model)
        if not found:
            raise self.model.DoesNotExist
        unit = found[0]
        unit.contact_list = contact_points_of(unit, model=unit.contact_points.model)
        return unit

    def letterhead(self) -> "Unit":
        """The unit with only the columns that the header of staff pages needs."""
        columns = ("organisation__name", "is_example", "colour_ink", "colour_accent")
        return self.select_related("organisation").only(*columns).get()


@prepared
def units(*, model: Any) -> "models.QuerySet[Unit]":
    return model.objects.select_related("organisation", "source")


@prepared
def contact_points_of(unit: "Unit", *, model: Any) -> "models.QuerySet[ContactPoint]":
    return model.objects.filter(unit=unit).select_related("source")


class SectorQuerySet(SlugQuerySet["Sector"]):
    """Sectors."""

    def public(self) -> Self:
        """Sectors of published organisations: any other could reveal a draft."""
        return self.filter(**published("organisations")).distinct()


class PublicationQuerySet(PublishableQuerySet["Publication"]):
    """Sources."""

    def with_authors(self) -> Self:
        """The publications, the latest first, each once for each public author: see `with_author_links`."""
        public_author = FilteredRelation("authors", condition=Q(**published("authors")))
        rows = self.select_related("issued_by").annotate(public_author=public_author)
        rows = rows.annotate(**{f"author_{column}": F(f"public_author__{column}") for column in AUTHOR_COLUMNS})
        return rows.order_by("-published_on", "title", "pk", "public_author__family_name")


def with_author_links(rows: "Iterable[Publication]") -> "list[Publication]":
    """Each publication of `with_authors` once, with its authors in `author_links` as pairs of address and name."""
    publications: list[Publication] = []
    for row in rows:
        if not publications or publications[-1] != row:
            row.author_links = []
            publications.append(row)
        values = {column: getattr(row, f"author_{column}") for column in AUTHOR_COLUMNS}
        if values["slug"]:
            author = related_manager(type(row), "authors").model(**values)
            publications[-1].author_links.append((author.get_absolute_url(), author.full_name))
    return publications


class OrganisationQuerySet(PublishableQuerySet["Organisation"]):
    """Organisations."""

    def leading(self) -> Self:
        """The lead organisations: those whose people sit on the executive team."""
        return self.filter(pk__in=self._with_executive_seats())

    def not_leading(self) -> Self:
        """All other organisations, without the unit itself."""
        return self.exclude(pk__in=self._with_executive_seats()).filter(as_unit=None)

    def _with_executive_seats(self) -> "models.QuerySet[Post, int | None]":
        posts = related_manager(self.model, "posts")
        return posts.public().executive().order_by().values_list("organisation", flat=True)


class PersonQuerySet(PublishableQuerySet["Person"]):
    """People."""

    def without_directory_entry(self) -> Self:
        """People the directory lists neither in the unit's teams nor under an organisation."""
        posts = related_manager(self.model, "posts")
        other_organisations = related_manager(posts.model, "organisation").public().not_leading()
        in_directory = posts.public().filter(~Q(seat="") | Q(organisation__in=other_organisations))
        return self.exclude(pk__in=in_directory.order_by().values("person"))

    def with_posts(self) -> Self:
        """Add their public posts in `public_posts`."""
        rows = related_manager(self.model, "posts").public().select_related("organisation")
        return self.prefetch_related(Prefetch("posts", queryset=rows, to_attr="public_posts"))


class StatementQuerySet(PublishableQuerySet["Statement"]):
    """Messages: public only while their speaker is."""

    def public(self) -> Self:
        """Published messages whose speaker is published too, or that have none."""
        return super().public().filter(Q(speaker=None) | Q(**published("speaker")))


class PostQuerySet(models.QuerySet["Post"]):
    """Posts: public only while both the person and the organisation are."""

    def get_by_natural_key(self, person: str, title: str, *organisation: str | None) -> "Post":
        """Look a post up by the slug of its person, its title and, if given, the slug of its organisation."""
        rows = self.filter(organisation__slug=organisation[0]) if organisation else self
        return rows.get(person__slug=person, title=title)

    def public(self) -> Self:
        """Posts whose person is published, and whose organisation is published if they have one."""
        return self.filter(Q(organisation=None) | Q(**published("organisation")), **published("person"))

    def with_names(self) -> Self:
        """Add the person, the organisation and the source, all of which a listed post names."""
        return self.select_related("person", "organisation", "source")

    def held_on(self, day: date) -> Self:
        """Posts that may have been held on this day: no stated date rules it out."""
        return self.filter(lasting_on("held", day))

    def executive(self, day: date | None = None) -> Self:
        """The seats on the executive team as they are on a day, today if none is given."""
        day = day or timezone.localdate()
        return self.held_on(day).filter(lasting_on("seat", day), seat=Seat.EXECUTIVE)


def lasting_on(name: str, day: date) -> Q:
    """The condition for what has a first and a last day, either of which may be unknown."""
    begun = Q(**{f"{name}_from": None}) | Q(**{f"{name}_from__lte": day})
    return begun & (Q(**{f"{name}_until": None}) | Q(**{f"{name}_until__gte": day}))
