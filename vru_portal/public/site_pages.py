"""The pages that every unit has, as search finds them."""

from collections.abc import Iterator
from typing import NamedTuple

from partners.models import Unit
from programmes.models import Initiative
from vru_portal.search.documents import IndexEntry, ResultKind, Searchable, SearchDocument
from vru_portal.web.addresses import address_of


class SitePage(NamedTuple):
    """A page, with what people may call it or ask, and other words for what is there."""

    name: str  # of its address
    title: str
    summary: str
    questions: tuple[str, ...] = ()
    words: str = ""
    anchor: str = ""
    lists: tuple[ResultKind, ...] = ()  # the kinds of records that the page lists

    @property
    def address(self) -> str:
        return f"{address_of(self.name)}#{self.anchor}" if self.anchor else address_of(self.name)


PAGES = (
    SitePage(
        "programmes:initiatives",
        "Initiatives",
        "What is being done, by level of prevention, for whom and where.",
        (
            *("Projects", "Services", "Schemes", "Programmes", "What is being done", "Near me", "In my area"),
            *("Refer a young person", "Refer somebody", "Make a referral", "Get help"),
        ),
        "refer referral referrals join sign up support",
        lists=(ResultKind.INITIATIVE,),
    ),
    SitePage(
        "funding:latest",
        "Funding",
        "Where the money comes from, where it goes, and what is left.",
        (
            *("How is the money spent", "How much money is there", "Budget", "Deadline", "Spend by date", "Underspend"),
            *("Apply for funding", "Apply for a grant", "Funding for a community group", "Money for my project"),
        ),
        "spending cost finance accounts unspent left",
        lists=(ResultKind.MONEY,),
    ),
    SitePage(
        "funding:all_payments",
        "Payments",
        "Every payment recorded here, with filters and as a file.",
        ("All payments", "Download payments", "What was paid", "Transactions", "Invoices"),
        "spending csv excel spreadsheet invoices suppliers transparency",
    ),
    SitePage(
        "funding:totals",
        "Totals of payments",
        "Who was paid most, and totals by initiative, level of prevention, source and month.",
        ("Who received most money", "Who got most money", "Who was paid most", "Biggest recipients"),
        "recipients largest top suppliers",
    ),
    SitePage(
        "results:results",
        "Results",
        "What the work achieved: who was reached, what was done and what changed.",
        (
            *("What difference does it make", "How many people were reached", "Does it work"),
            *("Outcomes", "Statistics", "Impact"),
        ),
        "measures figures statistics quarterly reporting effect",
    ),
    SitePage(
        "partners:directory",
        "Partners",
        "Who leads the unit, and everybody else who takes part or is named.",
        (
            *("Organisations", "Which bodies lead the unit", "Who leads the unit", "Who is in charge"),
            *("Executive team", "Staff", "Who is involved"),
        ),
        "leaders runs organisations people members board",
        lists=(ResultKind.ORGANISATION,),
    ),
    SitePage(
        "events:events",
        "Events",
        "Upcoming and past events, with their agendas, to read or to add to a calendar.",
        ("Conferences", "Meetings", "Calendar", "Add to calendar", "What is on", "Next event", "Next meeting"),
        "dates conference meeting diary iCal ics Outlook",
        lists=(ResultKind.EVENT,),
    ),
    SitePage(
        "declarations:declaration",
        "Declaration",
        "What organisations promise, and who has signed.",
        (
            "Who has signed the declaration",
            "Has my council signed the declaration",
            "Sign the declaration",
            "How can my organisation sign",
            "Signed",
            "Signatories",
        ),
        "pledge promise commitment signatories",
    ),
    SitePage(
        "declarations:register",
        "Register of signatures",
        "Every signature, and how to check it.",
        ("Check a receipt", "Verify a receipt"),
        "signatories signed verify proof receipt checkpoint",
    ),
    SitePage(
        "about",
        "About the unit",
        "What the unit means by violence, its approach, and what it builds on.",
        ("What is the unit", "What does the unit do"),
        "purpose aims glossary",
    ),
    SitePage(
        "about",
        "Sources",
        "The publications from which the facts on this site are taken.",
        ("Where do the facts come from", "References", "Evidence for these facts"),
        "",
        "sources",
    ),
    SitePage(
        "partners:publications",
        "Publications",
        "The unit's documents, and those that its facts are taken from.",
        ("Reports", "Strategies", "Documents", "Minutes", "Annual report", "Needs assessment", "Evaluations"),
        "download pdf board meeting training",
        lists=(ResultKind.PUBLICATION,),
    ),
    SitePage("brochure", "Brochure", "The brochure of the unit, to read or to print.", (), "leaflet pdf print booklet"),
    SitePage(
        "programmes:stories",
        "News",
        "What is new, to read here or in a feed reader.",
        ("What's new", "News feed", "Subscribe to the news"),
        "latest updates rss atom",
        lists=(ResultKind.NEWS,),
    ),
    SitePage(
        "open_data:catalogue",
        "Open data",
        "Every list on this site as a file: CSV, JSON and Excel.",
        ("Data", "Download the data", "Datasets", "Licence", "Reuse", "360 Giving"),
        "csv json excel spreadsheet dcat frictionless 360giving copyright",
    ),
    SitePage(
        "api:root",
        "API",
        "How programs read the lists of this site.",
        ("For developers",),
        "openapi json rest endpoint program",
    ),
    SitePage(
        "partners:contact",
        "Contact",
        "How to email, call or write to the unit.",
        (
            *("Contact us", "Get in touch", "Phone number", "Email address", "Postal address", "Where is your office"),
            *("Jobs", "Press office"),
        ),
        (
            "telephone social media account question vacancy volunteer donate donation media "
            "freedom of information request FOI safeguarding report a crime"
        ),
    ),
    SitePage(
        "partners:contact",
        "Something wrong on a page?",
        "How to report a mistake on this site, or something out of date.",
        ("Report a mistake", "Report an error", "Report wrong information", "A mistake on a page", "Correct a page"),
        "correction incorrect broken outdated out of date",
        "mistake",
    ),
    SitePage(
        "partners:complaints",
        "Complaints",
        "How to complain, and what happens then.",
        ("How to complain", "Make a complaint"),
        "unhappy feedback ombudsman",
    ),
    SitePage(
        "partners:privacy",
        "Privacy",
        "What happens to personal data.",
        ("Privacy notice", "Data protection", "My personal data", "Delete my data"),
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
# Included once the unit has stated any help lines.
HELP_LINES = SitePage(
    "partners:contact",
    "Help lines",
    "Who to contact if you are in danger or distress.",
    ("Emergency", "In danger", "I need help now", "Crisis"),
    "urgent 999 helpline hotline safe danger scared suicide samaritans police ambulance",
    "help",
)
SITE_PAGES = Searchable(ResultKind.PAGE, Initiative.objects.none, lambda row: SearchDocument("", ""))


def site_pages() -> Iterator[IndexEntry]:
    """Yield the pages that are there whatever has been published."""
    unit = Unit.objects.only("help_lines").first()
    for page in (*PAGES, HELP_LINES) if unit and unit.help_lines else PAGES:
        yield IndexEntry(
            SearchDocument(page.title, page.address, page.summary, page.questions, page.words),
            SITE_PAGES,
            None,
            page.lists,
        )
