"""The words of home, of about and around every page: what the portal says where the unit says nothing else.

Sentences about facts are records (programmes.Passage); these are headings, labels and buttons. `Unit.phrases` holds
what the unit says instead, by key; `{% phrase %}` in a template writes it.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

PLACE = re.compile(r"{(\w+)}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # a phrase is one line


@dataclass(frozen=True)
class Phrase:
    """One of the portal's own words: where it stands, and what it says unless the unit says something else."""

    key: str
    where: str
    text: str
    most: int = 80  # characters

    @property
    def group(self) -> str:
        """The page that it is a word of."""
        return GROUPS[self.key.partition("_")[0]]

    @property
    def places(self) -> set[str]:
        """What is put into it: a sum, a name."""
        return set(PLACE.findall(self.text))

    @property
    def help_text(self) -> str:
        """What a form says of it."""
        kept = "".join(f" Keep {{{place}}}: the page puts it in." for place in sorted(self.places))
        return f"Empty: “{self.text}”.{kept}"

    def check(self, text: Any) -> None:
        """Refuse what could not stand there; raises ValidationError that says what to do."""
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"“{self.where}” needs words. Leave it out to say “{self.text}”.")
        if len(text) > self.most:
            raise ValidationError(f"“{self.where}” has {len(text)} characters; {self.most} fit there. Shorten it.")
        if CONTROL.search(text):
            raise ValidationError(f"“{self.where}” is one line without control characters. Type it anew.")
        if missing := sorted(self.places - set(PLACE.findall(text))):
            raise ValidationError(f"“{self.where}” must keep {{{missing[0]}}}: the page puts it in there.")
        if set(PLACE.findall(text)) - self.places or re.search(r"[{}]", PLACE.sub("", text)):
            allowed = ", ".join(f"{{{place}}}" for place in sorted(self.places)) or "nothing"
            raise ValidationError(f"“{self.where}” can have {allowed} in braces. Take the other braces out.")


GROUPS = {"home": "Words of home", "about": "Words of about", "site": "Words around every page"}

# A key that ends with _one is said of one; the key without it, of any other number.
_ALL = (
    Phrase("home_find", "Above the search", "Find initiatives for people like you"),
    Phrase("home_find_button", "Button of the search", "Search", 30),
    Phrase("home_figures", "The four figures, for screen readers", "The programme in four figures"),
    Phrase("home_million", "After a budget in millions", "million", 20),
    Phrase("home_budget", "Below the budget", "budget for {year}", 60),
    Phrase("home_budget_unknown", "Where no budget is stated", "Not stated", 20),
    Phrase("home_budget_unknown_what", "Below that", "budget", 60),
    Phrase("home_initiatives", "Below the number of initiatives", "initiatives announced so far", 60),
    Phrase("home_initiatives_one", "Below the number of initiatives, if it is 1", "initiative announced so far", 60),
    Phrase("home_initiatives_none", "Where there is no initiative", "None yet", 20),
    Phrase("home_initiatives_none_what", "Below that", "initiatives announced", 60),
    Phrase("home_leads", "Below the number of lead organisations", "lead organisations", 60),
    Phrase("home_leads_one", "Below the number of lead organisations, if it is 1", "lead organisation", 60),
    Phrase("home_leads_unknown", "Where no lead organisation is stated", "Not stated", 20),
    Phrase("home_leads_unknown_what", "Below that", "lead organisations", 60),
    Phrase("home_signed", "Below the number of signatories", "have signed the declaration", 60),
    Phrase("home_signed_one", "Below the number of signatories, if it is 1", "has signed the declaration", 60),
    Phrase("home_signed_none", "Where nobody has signed", "None yet", 20),
    Phrase("home_signed_none_what", "Below that", "signatures of the declaration", 60),
    Phrase("home_signed_unknown", "Where no declaration is in force", "Not stated", 20),
    Phrase("home_signed_unknown_what", "Below that", "who has signed the declaration", 60),
    Phrase("home_levels", "Heading of the levels, where their passage has none", "Levels of prevention"),
    Phrase("home_level_all", "Link to the initiatives of a level", "All {count} initiatives", 60),
    Phrase("home_level_none", "Where a level has no initiative", "No initiative published yet"),
    Phrase("home_money", "Heading of the money, where its passage has none", "The money"),
    Phrase("home_money_link", "Link to the money", "Follow the money for {year}"),
    Phrase("home_money_sources", "Heading of the sources", "Where it comes from"),
    Phrase("home_money_uses", "Heading of what is allocated", "Where it goes"),
    Phrase(
        "home_money_allocated",
        "What is allocated and paid",
        "{allocated} is allocated to initiatives, and {paid} is paid.",
        160,
    ),
    Phrase("home_money_carried", "What is carried forward", "{carried} is carried forward into the next year.", 120),
    Phrase("home_money_unallocated", "What is not yet allocated", "{unallocated} is not yet allocated.", 120),
    Phrase(
        "home_money_uses_unknown",
        "Where nothing is allocated",
        "Where it goes: sums for initiatives are not stated",
        120,
    ),
    Phrase("home_money_recorded", "After the date of what the portal records", "That is where it goes.", 120),
    Phrase("home_money_none", "Where there is no budget", "No budget has been published yet.", 120),
    Phrase("home_launch_link", "Link to the event", "See the agenda and who spoke"),
    Phrase(
        "home_agenda", "Below the picture of the agenda", "{count} items in order. Short open strokes are pauses", 120
    ),
    Phrase("home_agenda_ceremony", "Before the name of the ceremony there", "the tall one is", 60),
    Phrase("home_declaration", "Heading of the declaration, where its passage has none", "The declaration"),
    Phrase("home_declaration_link", "Button to the declaration", "Read about the declaration", 60),
    Phrase("home_wording", "Label of the wording", "Wording", 30),
    Phrase("home_wording_version", "The wording in force", "Version {number}", 40),
    Phrase("home_wording_unknown", "Where no wording is in force", "Not stated", 40),
    Phrase("home_signed_by", "Label of who has signed", "Signed by", 30),
    Phrase("home_signed_of", "How many have signed", "{signed} of {asked}", 40),
    Phrase("home_signed_asked", "After that", "that were asked", 40),
    Phrase("home_signed_nobody", "Where nobody has signed", "Nobody yet", 40),
    Phrase("home_signed_not_stated", "Where no wording is in force", "Not stated", 40),
    Phrase("home_messages", "Heading of the messages, for screen readers", "Messages", 60),
    Phrase("about_name", "Title of the page", "About", 40),
    Phrase("about_shared", "Title of a shared link", "About {unit}"),
    Phrase("about_lead", "Heading at the top, where its passage has none", "About the unit"),
    Phrase("about_violence", "Heading of the definition, where its passage has none", "What is meant by violence"),
    Phrase("about_defined_on", "Before the name of the term that is defined", "on", 30),
    Phrase("about_approach", "Heading of the approach, where its passage has none", "A public health approach"),
    Phrase("about_conditions", "Heading of the conditions, where their passage has none", "Conditions for success"),
    Phrase("about_building", "Heading of what came before, where its passage has none", "What the unit builds on"),
    Phrase("about_messages", "Heading of the messages", "Messages", 60),
    Phrase("about_terms", "Heading of the terms", "Words used here", 60),
    Phrase("about_sources", "Heading of the sources", "Sources", 60),
    Phrase("about_issued_by", "Before who issued a source", "Issued by", 40),
    Phrase("about_written_by", "Before who wrote a source", "Written by", 40),
    Phrase("site_initiatives", "Navigation: initiatives", "Initiatives", 20),
    Phrase("site_funding", "Navigation: funding", "Funding", 20),
    Phrase("site_partners", "Navigation: partners", "Partners", 20),
    Phrase("site_events", "Navigation: events", "Events", 20),
    Phrase("site_declaration", "Navigation: declaration", "Declaration", 20),
    Phrase("site_about", "Navigation: about", "About", 20),
    Phrase("site_talk", "Footer, above the ways to reach the unit", "Talk to us", 40),
    Phrase("site_more", "Footer, above the links", "More", 40),
)
PHRASES = {phrase.key: phrase for phrase in _ALL}


def said(phrases: dict[str, str], key: str, count: int | None = None, **values: Any) -> str:
    """Return a phrase: the unit's, or the portal's own; ``count`` chooses what is said of one, and can be put in."""
    if count == 1 and f"{key}_one" in PHRASES:
        key = f"{key}_one"
    text = phrases.get(key) or PHRASES[key].text
    values["count"] = count
    return PLACE.sub(lambda place: str(values[place[1]]), text)


def check(phrases: Any) -> None:
    """Refuse phrases that no page has or that could not stand there; raises ValidationError with all that is wrong."""
    if not isinstance(phrases, dict):
        raise ValidationError("The words of the pages are a table of keys with texts.")
    errors = []
    for key, text in phrases.items():
        try:
            if key not in PHRASES:
                raise ValidationError(f"No page has the phrase {key}: see partners/phrases.py.")
            PHRASES[key].check(text)
        except ValidationError as error:
            errors += error.messages
    if errors:
        raise ValidationError(errors)
