"""The organisations, posts and publications as open data."""

from django.db.models import Prefetch

from partners.choices import Seat
from partners.filters import OrganisationFilters, PostFilters, PublicationFilters
from partners.models import Organisation, Person, Post, Publication
from vru_portal.tabular.datasets import (
    Dataset,
    QueryRows,
    join_values,
    last_changed,
    page_column,
    public_name,
    public_slug,
    source_columns,
)
from vru_portal.tabular.writers import Column, Type


def organisation_rows(filters: OrganisationFilters) -> QueryRows[Organisation]:
    rows = filters.rows.select_related("sector", "represents", "source")
    seats = Post.objects.public().executive().select_related("person")
    posts = Prefetch("posts", queryset=seats, to_attr="executive_posts")
    return QueryRows(rows.prefetch_related(posts), count=filters.count)


PARTNERS: Dataset[Organisation] = Dataset(
    name="partners",
    title="Partners",
    about="Organisations that lead the unit, are involved in its work, or are named in its publications. One row for "
    "each organisation.",
    columns=(
        Column("slug", "Its slug: the last part of its web address", lambda o: o.slug),
        Column("name", "Its name", lambda o: o.name),
        Column("other_names", "Other spellings of its name in the sources", lambda o: join_values(o.other_name_list)),
        Column("sector", "Its sector", lambda o: str(o.sector or "")),
        Column(
            "org_id",
            "Its identifier on org-id.guide, where known; no source states it",
            lambda o: o.identifier,
            title="Identifier",
        ),
        Column("charity_number", "Its number in the register of charities, where known", lambda o: o.charity_number),
        Column("company_number", "Its number at Companies House, where known", lambda o: o.company_number),
        Column("area", "The town or district where it is based, where stated", lambda o: o.area),
        Column(
            "area_code",
            "The official code of that area, from the Office for National Statistics",
            lambda o: o.area_code,
        ),
        Column(
            "part",
            "Whether it leads the unit, by a seat on the executive team",
            lambda o: "Leads the unit" if o.executive_posts else "Partner or mentioned",  # type: ignore[attr-defined]
            derived="executives",
        ),
        Column(
            "executives",
            "Who sits on the executive team for it today, as far as is known",
            lambda o: join_values(dict.fromkeys(post.person.full_name for post in o.executive_posts)),  # type: ignore[attr-defined]
            derived="the posts and their dates",
        ),
        Column(
            "is_group",
            "Whether it represents several organisations that are not named",
            lambda o: "Yes" if o.is_group else "No",
            title="Group",
        ),
        Column("represents", "The group that it represents in the unit", lambda o: public_name(o.represents)),
        Column("summary", "What it is and does in the unit, in this site's words. Markdown", lambda o: o.summary),
        Column("website", "Its own website", lambda o: o.website, Type.ADDRESS),
        page_column(),
        *source_columns(),
    ),
    key=("slug",),
    filters=OrganisationFilters,
    rows=organisation_rows,
    changed=last_changed(Organisation),
    page="partners:directory",
    keywords=("partners", "organisations"),
)

POSTS: Dataset[Post] = Dataset(
    name="posts",
    title="Public posts",
    about="Who held which post on the date given, with its first and last day where known. One row for each post of a "
    "person.",
    columns=(
        Column("person_slug", "The person's slug: the last part of their web address", lambda p: p.person.slug),
        Column("person", "Who holds the post", lambda p: p.person.full_name),
        Column("title", "The post, as stated", lambda p: p.title),
        Column("department", "The part of the organisation, if it is stated", lambda p: p.department),
        Column(
            "organisation_slug",
            "The organisation's slug: the last part of its web address",
            lambda p: public_slug(p.organisation),
        ),
        Column("organisation", "The organisation, if one is stated", lambda p: public_name(p.organisation)),
        Column(
            "seat",
            "The role of the holder in the unit, if any",
            lambda p: Seat(p.seat).label if p.seat else "",
            title="Role in the unit",
        ),
        Column("held_from", "The first day of the post, if it is stated", lambda p: p.held_from, Type.DATE),
        Column("held_until", "The last day of the post, once it is known", lambda p: p.held_until, Type.DATE),
        Column(
            "seat_from",
            "The first day of the role in the unit, if it began later than the post",
            lambda p: p.seat_from,
            Type.DATE,
            "Role since",
        ),
        Column(
            "seat_until",
            "The last day of the role in the unit, if it ended earlier than the post",
            lambda p: p.seat_until,
            Type.DATE,
            "Role until",
        ),
        page_column("The person's page on this site", lambda p: p.person),
        *source_columns(),
    ),
    key=("person_slug", "title", "organisation_slug"),
    filters=PostFilters,
    rows=lambda filters: QueryRows(filters.rows.with_names(), count=filters.count),
    changed=last_changed(Person, Post),
    page="partners:directory",
    keywords=("people", "posts"),
)


def publication_rows(filters: PublicationFilters) -> QueryRows[Publication]:
    authors = Prefetch("authors", queryset=Person.objects.public(), to_attr="public_authors")
    return QueryRows(filters.rows.select_related("issued_by").prefetch_related(authors), count=filters.count)


PUBLICATIONS: Dataset[Publication] = Dataset(
    name="publications",
    title="Publications",
    about="Documents published by the unit, and the sources of its facts. One row for each publication.",
    columns=(
        Column("slug", "Its slug: the last part of its web address", lambda p: p.slug),
        Column("title", "Its title", lambda p: p.title),
        Column("kind", "What it is", lambda p: p.get_kind_display()),
        Column("published_on", "The day on which it was published or launched", lambda p: p.published_on, Type.DATE),
        Column("issued_by", "The organisation that published it", lambda p: public_name(p.issued_by)),
        Column("authors", "Who wrote it, if that is stated", lambda p: join_values(p.public_authors)),  # type: ignore[attr-defined]
        Column("note", "What it is, in a few sentences", lambda p: p.note),
        Column("period", "The period that it covers, as stated", lambda p: p.period),
        Column("area", "The area that it covers, as stated", lambda p: p.area),
        page_column(),
    ),
    key=("slug",),
    filters=PublicationFilters,
    rows=publication_rows,
    changed=last_changed(Publication),
    page="partners:publications",
    keywords=("publications", "sources"),
)

DATASETS = (PARTNERS, POSTS, PUBLICATIONS)
