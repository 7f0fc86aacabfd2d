from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from partners.choices import Seat
from partners.datasets import organisation_rows
from partners.filters import OrganisationFilters, PublicationFilters
from partners.models import LegalNotice, Organisation, Person, Post, Publication, Statement
from partners.querysets import with_author_links
from vru_portal.accounts.sign_in_throttling import DEVICE_SECONDS
from vru_portal.publishing.state import published
from vru_portal.text.dates import format_utc_timestamp
from vru_portal.web.addresses import full_url
from vru_portal.web.list_pages import ListPage
from vru_portal.web.pagination import get_page_or_404, in_order
from vru_portal.web.prepared_queries import first_or_404, prepared
from vru_portal.web.public_pages import declare_parameters, public_page
from vru_portal.web.structured_data import json_ld, plain_text, reference

# The facts that a publication is the source of, by section. Apps above this one have most of them, so `vru_portal.urls`
# passes it in.
FactsOf = Callable[[Publication], Sequence[Any]]

ORGANISATIONS_PER_PAGE = 50
DAYS_UNTIL_SECURITY_EXPIRES = 180  # RFC 9116, 2.5.5: less than a year


ORGANISATIONS = ListPage(
    title="Partners",
    one="organisation",
    many="organisations",
    url="partners:directory",
    row_template="partners/_organisation_row.html",
    dataset="partners",
)


@dataclass
class DirectoryEntry:
    """An organisation in the directory, with those posts in it that the directory lists."""

    organisation: Organisation
    posts: list[Post] = field(default_factory=list)


@public_page
def directory(request: HttpRequest) -> HttpResponse:
    """The lead organisations with their executives, the unit's team, and everyone else involved.

    The other organisations are paged. People without an organisation follow them, on the last page.
    """
    if OrganisationFilters.is_asked_for(request.GET):
        filters = OrganisationFilters(request.GET)
        return ORGANISATIONS.response(request, filters, organisation_rows(filters).rows)
    page = get_page_or_404(request, other_organisations(), ORGANISATIONS_PER_PAGE)
    page.object_list = in_order(page.object_list, organisations_with_source(*page.object_list))
    posts = [post for post in posts_in_directory(*(organisation.pk for organisation in page)) if post.is_current]
    executive_posts = [post for post in posts if post.seat == Seat.EXECUTIVE and post.has_seat]
    other_entries = entries_for(page, posts)
    individuals = [] if page.has_next() else people_without_entry()
    return render(
        request,
        "partners/directory.html",
        {
            "lead_entries": group_by_organisation(executive_posts),
            "lead_facts": [executive_posts, [post.organisation for post in executive_posts]],
            "team": [post for post in posts if post.seat == Seat.TEAM and post.has_seat],
            "page": page,
            "other_entries": other_entries,
            "individuals": individuals,
            "other_facts": [*page, *(entry.posts for entry in other_entries), individuals],
        },
    )


@prepared
def other_organisations() -> QuerySet[Organisation, int]:
    return Organisation.objects.public().not_leading().order_by("name").values_list("pk", flat=True)


@prepared
def organisations_with_source(*keys: int) -> QuerySet[Organisation]:
    return Organisation.objects.filter(pk__in=keys).select_related("source").order_by()


@prepared
def posts_in_directory(*organisations: int) -> QuerySet[Post]:
    """The posts of the unit's teams, and those at these organisations."""
    rows = Post.objects.public().with_names().select_related("organisation__represents", "organisation__source")
    return rows.filter(~Q(seat="") | Q(organisation__pk__in=organisations))


@prepared
def people_without_entry() -> QuerySet[Person]:
    return Person.objects.public().select_related("source").without_directory_entry().with_posts()


@public_page
def organisation(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of an organisation. Template tags of other apps add its money, initiatives and appearances."""
    found = first_or_404(organisations_at(slug))
    posts = posts_at(found)
    former = [post for post in posts if post.is_former]
    current = [post for post in posts if not post.is_former]
    data = organisation_structured_data(found, [post for post in current if post.is_current])
    executives = [post for post in current if post.seat == Seat.EXECUTIVE and post.has_seat]
    publications = with_author_links(publications_of(found))
    return render(
        request,
        "partners/organisation.html",
        {
            "organisation": found,
            "posts": current,
            "former_posts": former,
            "executives": executives,
            "represented_by": represented_by(found),
            "publications": publications,
            "json_ld": data,
        },
    )


@prepared
def organisations_at(slug: str) -> QuerySet[Organisation]:
    return Organisation.objects.public().filter(slug=slug).select_related("source", "sector", "represents")


@prepared
def posts_at(organisation: Organisation) -> QuerySet[Post]:
    return Post.objects.public().filter(organisation=organisation).with_names()


@prepared
def represented_by(organisation: Organisation) -> QuerySet[Organisation]:
    """The organisations that represent this one."""
    return Organisation.objects.public().filter(represents=organisation)


@prepared
def publications_of(organisation: Organisation) -> QuerySet[Publication]:
    return Publication.objects.public().filter(issued_by=organisation).with_authors()


@public_page
def person(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of a person, with their posts, messages and publications."""
    found = first_or_404(people_at(slug))
    posts = posts_of(found)
    return render(
        request,
        "partners/person.html",
        {
            "person": found,
            "posts": posts,
            "main_post": next((post for post in posts if post.is_current), None),
            "statements": statements_of(found),
            "publications": publications_by(found),
            "json_ld": person_structured_data(found, [post for post in posts if post.is_current]),
        },
    )


@prepared
def people_at(slug: str) -> QuerySet[Person]:
    return Person.objects.public().filter(slug=slug).select_related("source")


@prepared
def posts_of(person: Person) -> QuerySet[Post]:
    return Post.objects.public().filter(person=person).with_names()


@prepared
def statements_of(person: Person) -> QuerySet[Statement]:
    return Statement.objects.public().filter(speaker=person).select_related("speaker", "source")


@prepared
def publications_by(person: Person) -> QuerySet[Publication]:
    return Publication.objects.public().filter(authors=person)


@public_page
def statement(request: HttpRequest, slug: str) -> HttpResponse:
    messages = Statement.objects.public().select_related("speaker", "source")
    found = get_object_or_404(messages, slug=slug)
    posts = found.speaker.posts.public().with_names().held_on(found.as_at) if found.speaker else []
    others = messages.exclude(pk=found.pk)
    return render(request, "partners/statement.html", {"statement": found, "posts": posts, "others": others})


@public_page
def publications(request: HttpRequest) -> HttpResponse:
    """The unit's publications, and those of others that facts are taken from."""
    filters = PublicationFilters(request.GET)
    declare_parameters(request, filters.valid)
    page = get_page_or_404(request, filters.rows.select_related("issued_by"), count=filters.count)
    context = {"filters": filters, "page": page, "form": filters.form("Filter", reverse("partners:publications"))}
    return render(request, "partners/publications.html", context)


@public_page
def publication(request: HttpRequest, slug: str, facts_of: FactsOf = lambda publication: ()) -> HttpResponse:
    """The page of a publication: what it is, its files, and what it states, by section."""
    found = first_or_404(publications_at(slug))
    authors = authors_of(found)
    sections = facts_of(found)
    sensitive = any(section.names_sensitive for section in sections)
    context = {"publication": found, "authors": authors, "sections": sections, "any_sensitive": sensitive}
    return render(request, "partners/publication.html", context)


@prepared
def publications_at(slug: str) -> QuerySet[Publication]:
    return Publication.objects.public().filter(slug=slug).select_related("issued_by")


@prepared
def authors_of(publication: Publication) -> QuerySet[Person]:
    return Person.objects.filter(publications=publication, **published())


@public_page
def contact(request: HttpRequest) -> HttpResponse:
    return render(request, "partners/contact.html")


@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """The privacy notice. Part of it describes what the software does, part is stated by the unit."""
    return render(request, "partners/legal_privacy.html", {"notice": LegalNotice.current()})


@public_page
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "partners/legal_accessibility.html", {"notice": LegalNotice.current()})


@public_page
def cookies(request: HttpRequest) -> HttpResponse:
    lasts = {
        "weeks": settings.CSRF_COOKIE_AGE // 604_800,
        "hours": settings.SESSION_COOKIE_AGE // 3_600,
        "device_days": DEVICE_SECONDS // 86_400,
    }
    return render(request, "partners/legal_cookies.html", lasts | {"prefix": settings.COOKIE_PREFIX})


@public_page
def complaints(request: HttpRequest) -> HttpResponse:
    return render(request, "partners/legal_complaints.html", {"notice": LegalNotice.current()})


@public_page
def security(request: HttpRequest) -> HttpResponse:
    """security.txt: where to report a vulnerability (RFC 9116). Not found until the unit has stated a contact."""
    contact = LegalNotice.current().security_uri
    if not contact:
        raise Http404("The legal notice states no security contact.")
    expires = timezone.now().replace(hour=0, minute=0, second=0) + timedelta(days=DAYS_UNTIL_SECURITY_EXPIRES)
    lines = (
        f"Contact: {contact}",
        f"Expires: {format_utc_timestamp(expires)}",
        "Preferred-Languages: en",
        f"Canonical: {settings.PORTAL_URL}{reverse('partners:security')}",
        "",
    )
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def organisation_structured_data(organisation: Organisation, posts: Iterable[Post]) -> SafeString:
    people = {post.person: post.title for post in posts}
    return json_ld(
        "Organization",
        name=organisation.name,
        alternateName=organisation.other_name_list,
        url=full_url(organisation.get_absolute_url()),
        sameAs=organisation.website,
        identifier=organisation.org_id,
        description=plain_text(organisation.summary),
        location=organisation.area and {"@type": "Place", "name": organisation.area},
        employee=[reference("Person", person) | {"jobTitle": title} for person, title in people.items()],
    )


def person_structured_data(person: Person, posts: Iterable[Post]) -> SafeString:
    return json_ld(
        "Person",
        name=person.name,
        honorificPrefix=person.honorific,
        familyName=person.family_name,
        alternateName=person.other_name_list,
        url=full_url(person.get_absolute_url()),
        description=plain_text(person.biography),
        jobTitle=[post.title for post in posts],
        worksFor=[reference("Organization", post.organisation) for post in posts if post.organisation],
    )


def group_by_organisation(posts: Iterable[Post]) -> list[DirectoryEntry]:
    """An entry for each organisation of these posts, in the order in which the organisations first appear."""
    entries: dict[Organisation, DirectoryEntry] = {}
    for post in posts:
        if post.organisation:
            entries.setdefault(post.organisation, DirectoryEntry(post.organisation)).posts.append(post)
    return list(entries.values())


def entries_for(organisations: Iterable[Organisation], posts: Iterable[Post]) -> list[DirectoryEntry]:
    """An entry for each of these organisations, also for those without a post."""
    posts_by_organisation = defaultdict(list)
    for post in posts:
        posts_by_organisation[post.organisation_id].append(post)
    return [DirectoryEntry(organisation, posts_by_organisation[organisation.pk]) for organisation in organisations]
