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
        "“We know violence is a symptom of deeper problems within our communities”",
        "“it can be treated and prevented”",
        "schools, councils, the health service, the police and many more",
        "“We will support our communities”",
        "“We must protect our young people”",
        "skills for the happy, healthy and successful lives",
        "“so very much deserve”",
        "“We must create opportunity where it is lacking and we must nurture and enable talent so it can thrive”",
        "This will take time and long-term commitment, he says; it will take dedication",
        "no more than they have achieved before",
        "“We must ensure” that streets, homes, workplaces, schools, colleges and public spaces are safe",
        "must all work together",
        "safer, stronger and less fearful",
        "seen on the street are also a key part",
        "“police officers move towards the danger”",
        "“not starting from scratch”",
        "“the work we've already started through the Violence Prevention Alliance",
        "“this step change in how we, as partners across the region, will prevent and reduce violence",
        "patients in A&E units who are being treated for injuries caused by violence",
        "pupils and their families in deprived areas who need extra support to realise their full potential",
        "we will stop violence before it starts”",
        "“Only by working together can we reduce violent crime.”",
    ),
    "executive-team": (
        "of the Office of the Police and Crime Commissioner; of Public Health England",
        "of Birmingham City Council, for all local authorities in the West Midlands; of West Midlands Police",
        "of Birmingham and Solihull Clinical Commissioning Group; and of the West Midlands Combined Authority",
        "each and every community should lead safe and fulfilling lives",
        "they will pull together, combining their expertise",
        "to ensure that they prevent and reduce violence, vulnerability and exploitation",
        "which the unit will adopt",
        "“funding of £4.034 million for this financial year. It must be spent by April 2020.”",
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
        "“Only together, using a public health approach, can we create a safer future for us all.”",
    ),
    "carver-anderson": (
        "“crucial and defining period in the West Midlands, as we come together for the launch",
        "seeks to build on pioneering work",
        "“with confidence and optimism”",
        "7 December 2017",
        "no individual, group, agency, perspective, methodology or approach",
        "“pained stories”, of victims as well as perpetrators impacted by violence",
        "these individuals and families come from local communities, and are therefore crucial in exploring the causes",
        "Importantly",
        "actively champion and implement its recommendations",
        "in Birmingham first and then in the wider West Midlands",
        "exploring the various issues in finding solutions",
        "community, statutory, voluntary, business and faith",
        "“much willingness”",
        "spontaneous, intentional or organised",
        "sad, premature loss of lives",
        "absolute emotional pain, trauma and fear",
        "want to seek revenge",
        "“At the centre of supporting families that may have lost a loved one”",
        "groups or individuals with the awareness and cultural competence",
        "“integral partners in any attempt to address violence in local neighbourhoods”",
        "the establishment of the unit",
        "“not tangential”",
        "championing the region's public health response to violence",
        "“under no illusion about the possible challenges on the journey ahead”, as they seek to develop",
        "long-term and sustainable",
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
        "on activity that will prevent and reduce violence, vulnerability and exploitation",
        "and the percentages",
        "initiatives named",
        "which local authorities contributed, and how the sum splits, is not stated",
    ),
    "/brochure/": (
        "it is not itself the publication “launch brochure”",
        "“just some of the initiatives being funded”",
        "shared between agencies, will underpin them",
        "that either results in or has a high likelihood of resulting in injury",
        "job titles are as the source gives them",
    ),
    "/people/clive-heaphy/": ("“executive team's message”",),
    "/publications/gangs-and-violence-report/": ("published or launched", "launched on 7 december 2017"),
    "/contact/": ("contact and follow it on twitter and facebook",),
    "/declaration/register/": ("nobody has signed on this site yet", "elsewhere, such as at an event, is not stated"),
    "/results/": ("what the unit measures is not stated",),
    "/initiatives/school-engagement-officers/": ("will help schools to tackle violence", "identified as at risk"),
    "/initiatives/": ("appropriate support for those identified as at risk",),
    "/people/sarah-boycott/": ("on the agenda of launch",),
    "/initiatives/intensive-support-for-people-leaving-gangs/": ("young people and adult gang members", "will provide"),
    "/initiatives/iris/": ("funded between 2 october 2019 and april 2020",),
    "/events/launch/": ("agenda has sixteen items",),
    **{
        f"/prevention/{level}/": ("the executives name as a condition for success: " + what, "“just some of”")
        for level, what in (
            ("primary", "stopping violence before it starts, by tackling the “causes of the causes” of violence"),
            ("secondary", "stopping the progression of violence, by “detecting the warning signs early"),
            ("tertiary", "supporting victims and stopping things getting worse, repairing harm and rehabilitating"),
        )
    },
    "/partners/home-office/": ("money in the budget home office, 2019-20: £3,370,000",),  # gives it, not to itself
    "/partners/": ("other organisations and people", "will pull together"),
    "/about/": (
        "using “the best collective intelligence”, through data sharing, “we can understand the problems”",
        "focused on prevention",
        "specifically for people in the criminal justice system",
        "“causes of the causes”",
        "not starting from scratch",
        "builds on work already started through these three",
        "carver anderson calls it “the region's first violence reduction unit”",
        "the challenge needs them to “act as one”",
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
    "prevents violence by tackling",  # a condition for success, not what prevention is
    "all local authorities contribut",
    "for the same people",
    "first initiatives",
    "already begun",
    "by repairing",
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
