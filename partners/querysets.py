from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, FilteredRelation, OuterRef, Prefetch, Q

from partners.choices import Seat
from vru_portal.publishing import PublishableQuerySet, published
from vru_portal.slugs import SlugQuerySet

if TYPE_CHECKING:
    from partners.models import (  # noqa: F401 - bases name them as strings
        Organisation,
        Person,
        Post,
        Publication,
        Sector,
        Statement,
        Unit,
    )


class UnitQuerySet(models.QuerySet["Unit"]):
    """The one unit that this installation serves."""

    def with_bodies(self) -> Self:
        """Return it with its own organisation and its host, which every page names."""
        return self.select_related("organisation", "host")

    def current(self) -> "Unit":
        """Return the unit with its contact points in `contact_list`, in one query: the points bring the unit along.

        Raises DoesNotExist where no unit is loaded.
        """
        from partners.models import ContactPoint

        points = list(ContactPoint.objects.select_related("unit__organisation", "unit__host", "source"))
        unit: Unit = points[0].unit if points else self.with_bodies().get()
        unit.contact_list = points
        return unit


class SectorQuerySet(SlugQuerySet["Sector"]):
    """Sectors."""

    def public(self) -> Self:
        """Return those of bodies that the public sees: another may say what is still a draft."""
        return self.filter(**published("organisations")).distinct()


class PublicationQuerySet(PublishableQuerySet["Publication"]):
    """Sources."""

    def with_authors(self) -> "list[Publication]":
        """Return them with their public authors in `author_links` (address, name), in one query."""
        from partners.models import Person

        writer = FilteredRelation("authors", condition=Q(**published("authors")))
        names = ("slug", "honorific", "name")
        rows = self.select_related("issued_by").annotate(writer=writer, **{f"by_{n}": F(f"writer__{n}") for n in names})
        found: list[Publication] = []
        for row in rows.order_by("-published_on", "title", "pk", "writer__family_name"):
            if not found or found[-1] != row:
                row.author_links = []
                found.append(row)
            slug, honorific, name = (getattr(row, f"by_{n}") for n in names)
            if slug:
                author = Person(slug=slug, honorific=honorific, name=name)
                found[-1].author_links.append((author.get_absolute_url(), author.full_name))
        return found


class OrganisationQuerySet(PublishableQuerySet["Organisation"]):
    """Bodies."""

    def leading(self) -> Self:
        """Return the lead organisations: those whose people sit on the executive team."""
        return self.filter(Exists(self._seats()))

    def not_leading(self) -> Self:
        """Return every other body but the unit itself."""
        return self.filter(~Exists(self._seats()), as_unit=None)

    def _seats(self) -> "PostQuerySet":
        from partners.models import Post

        return Post.objects.public().executive().filter(organisation=OuterRef("pk"))


class PersonQuerySet(PublishableQuerySet["Person"]):
    """People."""

    def named_alone(self) -> Self:
        """Return people whom the directory names under no body: neither part of the unit nor of a listed body."""
        from partners.models import Organisation, Post

        others = Organisation.objects.public().not_leading()
        listed = Post.objects.public().filter(~Q(seat="") | Q(organisation__in=others), person=OuterRef("pk"))
        return self.filter(~Exists(listed))

    def with_posts(self) -> Self:
        """Add their public posts in `public_posts`."""
        from partners.models import Post

        rows = Post.objects.public().with_names()
        return self.prefetch_related(Prefetch("posts", queryset=rows, to_attr="public_posts"))


class StatementQuerySet(PublishableQuerySet["Statement"]):
    """Messages, public as far as their speaker is."""

    def public(self) -> Self:
        """Return published messages that name no draft."""
        return super().public().filter(Q(speaker=None) | Q(**published("speaker")))


class PostQuerySet(models.QuerySet["Post"]):
    """Posts, public as far as both their holder and their body are."""

    def get_by_natural_key(self, person: str, title: str, *organisation: str | None) -> "Post":
        """Return the post of the person with this slug that has this title, and this body where it is given."""
        rows = self.filter(organisation__slug=organisation[0]) if organisation else self
        return rows.get(person__slug=person, title=title)

    def public(self) -> Self:
        """Return posts that name no draft."""
        return self.filter(Q(organisation=None) | Q(**published("organisation")), **published("person"))

    def with_names(self) -> Self:
        """Return posts with what a line about them names."""
        return self.select_related("person", "organisation__represents", "organisation__source", "source")

    def executive(self) -> Self:
        """Return the seats of the executive team."""
        return self.filter(seat=Seat.EXECUTIVE)
