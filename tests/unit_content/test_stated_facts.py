"""What the launch brochure states is told as stated: each claim on its page, in its order, and a promise as a promise.

Readers compared every sentence of the brochure with the pages. What they found distorted or missing is tested here.
"""

import html
import re

import pytest
from django.test import Client

MESSAGES = {
    "commissioner": (
        "families and communities are seen “being ripped apart by violence”",
        "preventable, he says, not inevitable",
        "a life without fear",
        "domestic abuse and sexual violence",
        "knife or gun crime, “it must stop”",
        "a symptom of deeper problems",
        "treated and prevented",
        "schools, councils, the health service, the police and many more",
        "“We will support our communities”",
        "skills for the happy, healthy and successful lives",
        "Opportunity must be created where it is lacking",
        "take time, dedication and a commitment for the long term",
        "no more than they have achieved before",
        "Streets, homes, workplaces, schools, colleges and public spaces",
        "must all work together",
        "safer, stronger and less fearful",
        "seen on the street are also a key part",
        "“police officers move towards the danger”",
        "Violence Prevention Alliance",
        "a step change in how violence will be prevented and reduced, in their communities, by partners",
        "patients in A&E units",
        "pupils in deprived areas and their families",
        "“we will stop violence before it starts”",
        "“Only by working together can we reduce violent crime.”",
    ),
    "executive-team": (
        "of Birmingham City Council, for all local authorities in the West Midlands",
        "each and every community should lead safe and fulfilling lives",
        "they will pull together, combining their expertise",
        "which the unit will adopt",
        "£4.034 million",
        "must be spent by April 2020",
        "straight to the front line, to “where it is needed most”",
        "will also carry out careful assessments before money is allocated",
        "targeted at those most in need",
        "commissioned only once evidence has been generated and analysed",
        "longer-term, sustainable plan that can stop violence before it begins",
        "reduce vulnerability and exploitation",
        "if six things take place",
        "a small and versatile team, “currently led by the VRU's Head of Implementation”, Claire Dhami",
        "forensic, precise, versatile and tenacious",
        "“Like a disease, violence doesn't stand still”",
        "“act as one”",
    ),
    "carver-anderson": (
        "“crucial and defining period”",
        "seeks to build on pioneering work",
        "“with confidence and optimism”",
        "7 December 2017",
        "no individual, group, agency, perspective, methodology or approach",
        "“pained stories”, of victims as well as perpetrators",
        "crucial in exploring the causes, the influences and possible solutions",
        "actively champion and implement its recommendations",
        "in Birmingham first and then in the wider West Midlands",
        "community, statutory, voluntary, business and faith",
        "exploring how solutions",
        "“much willingness”",
        "spontaneous, intentional or organised",
        "absolute emotional pain, trauma and fear",
        "want revenge",
        "“At the centre of supporting families”",
        "groups or individuals with the awareness and cultural competence",
        "“integral partners in any attempt to address violence in local neighbourhoods”",
        "the establishment of the unit",
        "“not tangential”",
        "championing the region's public health response to violence",
        "“under no illusion”",
    ),
}
STATED = {
    "/": (
        "only together, using a public health approach, can they create a safer future",
        "“just some of” those being funded",
        "underpin",
        "the agenda of the launch at Grand Station",
        "were to follow in the afternoon",
        "launch brochure, “Cover”",
    ),
    "/funding/2019-20/": (
        "will conduct careful assessments before money is allocated",
        "commissioned only once evidence has been generated and analysed",
        "roll out and expand schemes that are in place",
        "to “where it is needed most”",
        "this, it says, will enable it to develop a plan for the longer term",
        "reduce vulnerability and exploitation",
        "31 march 2020 as the last day",
        "does not say how to apply for this money. you can ask the unit",
        "local authorities and west midlands police, contribution",
    ),
    "/initiatives/school-engagement-officers/": ("will help schools to tackle violence", "identified as at risk"),
    "/initiatives/": ("appropriate support for those identified as at risk",),
    "/people/sarah-boycott/": ("on the agenda of launch",),
    "/initiatives/intensive-support-for-people-leaving-gangs/": ("young people and adult gang members", "will provide"),
    "/initiatives/iris/": ("funded between 2 october 2019 and april 2020",),
    "/events/launch/": ("agenda has sixteen items",),
    **{
        f"/prevention/{level}/": ("a condition for success is to " + what,)
        for level, what in (
            ("primary", "tackle the “causes of the causes” of violence, for individuals"),
            ("secondary", "detect the warning signs early and deal with the risk factors"),
            ("tertiary", "support victims and stop things from getting worse, by repairing harm and rehabilitating"),
        )
    },
    "/partners/home-office/": ("money given home office, 2019-20: £3,370,000",),  # gives it, not to itself
    "/partners/": ("other organisations and people", "will pull together"),
    "/about/": (
        "with “the best collective intelligence”",
        "focused on prevention",
        "specifically for people in the criminal justice system",
        "“causes of the causes”",
        "not starting from scratch",
    ),
}
# A promise that became a fact, a cause that was added, a plan that became a report, a name that took part.
DISTORTED = (
    "treat violence as a public health problem",
    "carries out careful assessments",
    "because the need is greatest",
    "schemes already in place to reach more people",
    "announced so far",
    "led to the signing",
    "led to a binding commitment",
    "who spoke",
    "others involved",
    "joint contribution",
    "in particular for people",
    "no body can stop it alone",
    "abuse in the home",
    "at events",
    "support for those at risk",
    "this is to let",
    "this is to enable",
    "by tackling the “causes of the causes”",  # a condition for success, not what prevention is
    "not to become involved",
    "to succeed, the unit says",  # the conditions are for the success of all, not of one level
    "any money",
    "stops violence at that point",
)


def words_of(address):
    """Return what a page says, in lower case and on one line."""
    page = Client().get(address)
    assert page.status_code == 200, address
    text = re.sub(r"<(script|style).*?</\1>", " ", page.getvalue().decode(), flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", "", text)).replace("\u00a0", " ").replace("\u2019", "'")
    return " ".join(text.split()).lower()


@pytest.mark.django_db
@pytest.mark.once
@pytest.mark.usefixtures("launch_unit")
class TestStatedFacts:
    @pytest.mark.parametrize("slug", MESSAGES)
    def test_a_message_lets_its_author_be_heard_in_the_order_of_the_original(self, slug):
        page, at = words_of(f"/messages/{slug}/"), 0
        for claim in MESSAGES[slug]:
            found = page.find(claim.lower(), at)
            assert found >= 0, f"missing, or out of order: {claim}"
            at = found

    @pytest.mark.parametrize("address", STATED)
    def test_a_page_says_what_was_stated(self, address):
        page = words_of(address)
        assert [fact for fact in STATED[address] if fact.lower() not in page] == []

    @pytest.mark.parametrize("address", [*STATED, *(f"/messages/{slug}/" for slug in MESSAGES), "/brochure/"])
    def test_no_page_says_what_was_not(self, address):
        page = words_of(address)
        assert [claim for claim in DISTORTED if claim in page] == []
