"""Questions that people ask of a violence reduction unit, each with the page that should come first.

At least 38 of the 40 have to be right, so that a change may cost one without anybody tuning the search to this list.
"""

import pytest

from vru_portal.public.search import CURRENT

AE, GANGS, IRIS = (
    "/initiatives/a-and-e-interventions/",
    "/initiatives/intensive-support-for-people-leaving-gangs/",
    "/initiatives/iris/",
)
SCHOOL, MENTORING = "/initiatives/school-engagement-officers/", "/initiatives/specialist-mentoring/"
MENTORS, CAMPAIGN = "/initiatives/mentors-in-violence-prevention/", "/initiatives/behavioural-change-campaign/"
QUESTIONS = {
    "knife": AE,
    "my brother was stabbed": AE,
    "hospital": AE,
    "A&E": AE,
    "accident and emergency nurse": AE,
    "prison": GANGS,
    "just released from custody": GANGS,
    "how do I get out of a gang": GANGS,
    "reoffending": GANGS,
    "county lines": GANGS,
    "domestic violence": IRIS,
    "my daughter's boyfriend hits her": IRIS,
    "Doctor's surgery": IRIS,
    "iris.": IRIS,
    "my 14 year old": MENTORING,
    "mentor for a 12-year-old": MENTORING,
    "my son is at risk of violence": (SCHOOL, MENTORING),
    "my pupil carries a knife": SCHOOL,
    "school": (SCHOOL, MENTORS),
    "football": SCHOOL,
    "peer mentoring in schools": MENTORS,
    "behavior change": CAMPAIGN,
    "who leads the unit?": "/partners/",
    "who is in charge": "/partners/",
    "Claire Dhami": "/people/claire-dhami/",
    "jamison": "/people/david-jamieson/",
    "Carver Anderson": "/people/carver-anderson/",
    "PCC": ("/partners/office-of-the-police-and-crime-commissioner/", "/people/david-jamieson/"),
    "Birmingham council": "/partners/birmingham-city-council/",
    "St. Giles": "/partners/st-giles-trust/",
    "how much money is there": ("/funding/", "/funding/2019-20/"),
    "£524,000": ("/funding/2019-20/#in", "/funding/2019-20/"),
    "apply for a grant": "/funding/",
    "how to complain": "/complaints/",
    "phone number": "/contact/",
    "who has signed the declaration": "/declaration/",
    "when was the launch": "/events/launch/",
    "definition of violence": "/about/#violence",
    "voilence": "/about/#violence",
    "public health approach": "/about/#approach",
}

# What visitors do with the site rather than ask of the unit, in words that they used.
TASKS = {
    "who received most": "/payments/totals/",
    "who got the most money": "/payments/totals/",
    "download payments": "/payments/",
    "payments csv": "/payments/",
    "calendar": "/events/",
    "launch speakers": "/events/launch/",
    "who spoke at the launch": "/events/launch/",
    "has my council signed the declaration": "/declaration/",
    "how can my organisation sign": "/declaration/",
    "verify my receipt": "/declaration/register/",
    "report an error": "/contact/#mistake",
    "mistake on page": "/contact/#mistake",
    "something is wrong on a page": "/contact/#mistake",
    "rss": "/news/",
    "feed": "/news/",
    "open data": "/data/",
    "excel": ("/data/", "/payments/"),
    "api": "/api/v1/",
    "deadline": ("/funding/", "/funding/2019-20/"),
    "brochure pdf": "/brochure/",
    "what is tertiary prevention": "/prevention/tertiary/",
    "funding for my community group": "/funding/",
    "how to apply for funding": "/funding/",
    "help for my 14 year old son": MENTORING,
    "my son was stabbed": AE,
    "my husband hits me": IRIS,
    "leaving prison": GANGS,
    "how do I complain": "/complaints/",
    "minutes": "/publications/",
    "cookies": "/cookies/",
    "impact": "/results/",
    "licence": "/data/",
    "when is the next meeting": "/events/",
    "ical": "/events/",
    "delete my data": "/privacy/",
    "safeguarding": "/contact/",
    "where is your office": "/contact/",
    "how do I refer a young person": "/initiatives/",
    "projects near me": "/initiatives/",
}

# Short names, places, other languages, and sums and days as people write them.
SHORT = {
    "OPCC": "/partners/office-of-the-police-and-crime-commissioner/",
    "WMCA": "/partners/west-midlands-combined-authority/",
    "BCC": "/partners/birmingham-city-council/",
    "YJB": "/partners/youth-justice-board/",
    "Scottish VRU": "/partners/scottish-violence-reduction-unit/",
    "VRU": "/partners/west-midlands-violence-reduction-unit/",
    "how much is the VRU's budget": ("/funding/", "/funding/2019-20/"),
    "who runs the violence reduction unit": "/partners/",
    "phone number of the VRU": "/contact/",
    "MVP": MENTORS,
    "DA support": IRIS,
    "CCE": GANGS,
    "drugs": GANGS,
    "early intervention": "/prevention/secondary/",
    "commissioner quote": "/messages/commissioner/",
    "Coventry": "/partners/local-authorities-in-the-west-midlands/",
    "what is happening in Walsall": "/partners/local-authorities-in-the-west-midlands/",
    "przemoc domowa": IRIS,
    "trais domestig": IRIS,
    "ਘਰੇਲੂ ਹਿੰਸਾ": IRIS,
    "گھریلو تشدد": IRIS,
    "£3.37m": ("/funding/2019-20/#in", "/funding/2019-20/"),
    "524k": ("/funding/2019-20/#in", "/funding/2019-20/"),
    "what happened on 2 October 2019": "/events/launch/",
}


def wrong_of(questions):
    """The questions whose first answer is another page, each with it."""
    index, wrong = CURRENT.make(), {}
    for question, expected in questions.items():
        first = next((hit.entry.document.address for hit in index.find(question).hits), "nothing")
        if first not in ((expected,) if isinstance(expected, str) else expected):
            wrong[question] = first
    return wrong


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestQuestions:
    def test_the_right_page_comes_first(self, record_property):
        wrong = wrong_of(QUESTIONS)
        record_property("measured", f"questions: {len(QUESTIONS) - len(wrong)} of {len(QUESTIONS)} right {wrong or ''}")
        assert len(QUESTIONS) == 40
        assert len(wrong) <= 2, wrong

    def test_what_a_visitor_wants_to_do_leads_to_the_page_for_it(self):
        wrong = wrong_of(TASKS)
        assert len(wrong) <= 1, wrong

    def test_what_people_write_in_short_or_in_another_language_is_understood(self):
        assert wrong_of(SHORT) == {}

    def test_no_item_of_an_agenda_is_found_by_its_number_as_if_it_were_an_age(self):
        found = [hit.entry.document.address for hit in CURRENT.make().find("my 14 year old").hits]
        assert found
        assert "/events/launch/#item-14" not in found

    def test_without_synonyms_some_questions_are_wrong(self):
        """The control: it is staff's rows that lead from visitors' words to those of the pages."""
        from programmes.models import Synonym

        Synonym.objects.all().delete()
        index = CURRENT.make()
        assert not index.find("prison").hits
