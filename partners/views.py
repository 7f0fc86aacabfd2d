from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from partners.choices import Seat
from partners.models import LegalNotice, Organisation, Person, Post, Publication, Statement
from vru_portal.pages import page_of
from vru_portal.structured_data import json_ld

BODIES_PER_PAGE = 50
DAYS_UNTIL_SECURITY_EXPIRES = 180  # RFC 9116, 2.5.5: less than a year


@dataclass
class Entry:
    """A body in the directory, with the posts of its people."""

    organisation: Organisation
    posts: list[Post] = field(default_factory=list)


def directory(request: HttpRequest) -> HttpResponse:
    """The lead organisations with their executives, the team, and everyone else involved."""
    bodies = Organisation.objects.public().not_leading().select_related("source").order_by("name")
    page = page_of(request, bodies, BODIES_PER_PAGE)
    posts = list(Post.objects.public().with_names().filter(~Q(seat="") | Q(organisation__in=[*page])))
    leads = [post for post in posts if post.seat == Seat.EXECUTIVE]
    others = entries(page, posts)
    people = Person.objects.public().select_related("source").named_alone().with_posts()
    individuals = [] if page.has_next() else list(people)
    return render(
        request,
        "partners/directory.html",
        {
            "leads": by_organisation(leads),
            "lead_facts": [leads, [post.organisation for post in leads]],
            "team": [post for post in posts if post.seat == Seat.TEAM],
            "page": page,
            "others": others,
            "individuals": individuals,
            "other_facts": [*page, *(entry.posts for entry in others), individuals],
        },
    )


def organisation(request: HttpRequest, slug: str) -> HttpResponse:
    """One body: its people, and through tags of other apps its money, initiatives and appearances."""
    found = get_object_or_404(Organisation.objects.public().select_related("source", "sector", "represents"), slug=slug)
    data = json_ld("Organization", name=found.name, url=found.website, alternateName=found.other_name_list)
    posts = found.posts.public().with_names()
    publications = Publication.objects.public().filter(issued_by=found).with_authors()
    context = {"organisation": found, "posts": posts, "publications": publications, "json_ld": data}
    return render(request, "partners/organisation.html", context)


def person(request: HttpRequest, slug: str) -> HttpResponse:
    """One person: their posts, messages and writings."""
    found = get_object_or_404(Person.objects.public().select_related("source"), slug=slug)
    return render(
        request,
        "partners/person.html",
        {
            "person": found,
            "posts": found.posts.public().with_names(),
            "statements": found.statements.public().select_related("source"),
            "publications": Publication.objects.public().filter(authors=found),
            "json_ld": json_ld("Person", name=found.name, honorificPrefix=found.honorific),
        },
    )


def statement(request: HttpRequest, slug: str) -> HttpResponse:
    """One message, and the others."""
    messages = Statement.objects.public().select_related("speaker", "source")
    found = get_object_or_404(messages, slug=slug)
    posts = found.speaker.posts.public().with_names() if found.speaker else []
    others = messages.exclude(pk=found.pk)
    return render(request, "partners/statement.html", {"statement": found, "posts": posts, "others": others})


def contact(request: HttpRequest) -> HttpResponse:
    """How to reach the unit."""
    return render(request, "partners/contact.html")


def privacy(request: HttpRequest) -> HttpResponse:
    """What personal data is taken, why, and for how long: what the software does, and what the unit states."""
    return render(request, "partners/legal_privacy.html", {"notice": LegalNotice.current()})


def accessibility(request: HttpRequest) -> HttpResponse:
    """The unit's accessibility statement."""
    return render(request, "partners/legal_accessibility.html", {"notice": LegalNotice.current()})


def cookies(request: HttpRequest) -> HttpResponse:
    """Each cookie that the portal sets."""
    lasts = {"weeks": settings.CSRF_COOKIE_AGE // 604_800, "hours": settings.SESSION_COOKIE_AGE // 3_600}
    return render(request, "partners/legal_cookies.html", lasts)


def complaints(request: HttpRequest) -> HttpResponse:
    """Where a complaint goes."""
    return render(request, "partners/legal_complaints.html", {"notice": LegalNotice.current()})


def security(request: HttpRequest) -> HttpResponse:
    """Where somebody reports a weakness (RFC 9116); not there while no contact is stated."""
    contact = LegalNotice.current().security_uri
    if not contact:
        raise Http404("No contact for reports of weaknesses is stated.")
    expires = timezone.now().replace(hour=0, minute=0, second=0) + timedelta(days=DAYS_UNTIL_SECURITY_EXPIRES)
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.PORTAL_URL}{reverse('partners:security')}",
        "",
    )
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def by_organisation(posts: Iterable[Post]) -> list[Entry]:
    """Group posts by their body, in the order in which the bodies first appear."""
    found: dict[Organisation, Entry] = {}
    for post in posts:
        if post.organisation:
            found.setdefault(post.organisation, Entry(post.organisation)).posts.append(post)
    return list(found.values())


def entries(organisations: Iterable[Organisation], posts: Iterable[Post]) -> list[Entry]:
    """Return an entry for each body, with those of the posts that are there."""
    there = defaultdict(list)
    for post in posts:
        there[post.organisation_id].append(post)
    return [Entry(organisation, there[organisation.pk]) for organisation in organisations]
