"""The pages that every unit has, as search finds them."""

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import reverse

from programmes.models import Initiative
from vru_portal.search.documents import Document, Entry, Kind, Searchable


class SitePage(NamedTuple):
    """A page, with what people may call it or ask, and other words for what is there."""

    name: str  # of its address
    title: str
    summary: str
    questions: tuple[str, ...] = ()
    words: str = ""


PAGES = (
    SitePage(
        "programmes:initiatives",
        "Initiatives",
        "Everything that the programme does, by level, people and place.",
        ("Projects", "Services", "Schemes", "What is being done"),
    ),
    SitePage(
        "funding:latest",
        "Funding",
        "Where the money comes from, where it goes, and what is left.",
        ("How is the money spent", "How much money is there", "Apply for funding", "Apply for a grant", "Budget"),
        "spending cost finance accounts payments",
    ),
    SitePage(
        "partners:directory",
        "Partners",
        "Who leads the unit, and everybody else who takes part.",
        ("Who leads the unit", "Who is in charge", "Executive team", "Staff", "Who is involved"),
        "leaders runs organisations people members board",
    ),
    SitePage(
        "events:events", "Events", "Upcoming and past events, with their agendas.", (), "dates conference meeting"
    ),
    SitePage(
        "declarations:declaration",
        "Declaration",
        "What organisations promise, and who has signed.",
        ("Who has signed the declaration", "Sign the declaration"),
        "pledge promise commitment signatories",
    ),
    SitePage(
        "declarations:register",
        "Register of signatures",
        "Every signature, and how to check it.",
        (),
        "signatories signed verify proof receipt checkpoint",
    ),
    SitePage(
        "about",
        "About the unit",
        "What is meant by violence, the approach, and what the unit builds on.",
        ("What is the unit", "What does the unit do"),
        "purpose aims glossary",
    ),
    SitePage(
        "partners:publications",
        "Publications",
        "The unit's documents, and those that its facts are taken from.",
        ("Reports", "Strategies", "Documents", "Minutes", "Annual report", "Needs assessment", "Evaluations"),
        "sources download pdf board meeting training",
    ),
    SitePage("brochure", "Brochure", "The brochure of the unit, to read or to print.", (), "leaflet pdf print booklet"),
    SitePage("programmes:stories", "News", "Stories about the programme.", (), "latest updates"),
    SitePage(
        "partners:contact",
        "Contact",
        "How to email, call or write to the unit.",
        ("Contact us", "Get in touch", "Phone number", "Email address", "Postal address", "Jobs", "Press office"),
        "telephone question report vacancy volunteer media freedom of information request FOI",
    ),
    SitePage(
        "partners:complaints",
        "Complaints",
        "How to complain, and what happens then.",
        ("How to complain", "Make a complaint"),
        "unhappy wrong mistake feedback ombudsman",
    ),
    SitePage(
        "partners:privacy",
        "Privacy",
        "What happens to personal data.",
        ("Privacy notice", "Data protection"),
        "GDPR personal information rights erase",
    ),
    SitePage(
        "partners:accessibility",
        "Accessibility",
        "How accessible this site is, and how to report a problem.",
        ("Accessibility statement",),
        "disabled disability screen reader",
    ),
    SitePage("partners:cookies", "Cookies", "Which cookies this site sets, and what for.", (), "tracking"),
)
SITE = Searchable(Kind.PAGE, Initiative.objects.none, lambda row: Document("", ""))


def site_pages() -> Iterator[Entry]:
    """Yield the pages that are there whatever has been published."""
    for page in PAGES:
        yield Entry(Document(page.title, reverse(page.name), page.summary, page.questions, page.words), SITE, None)
