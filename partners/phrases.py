"""Headings, labels and buttons of the home page, the about page and the frame of every page.

Each phrase has the portal's wording. The unit can replace it: `Unit.phrases` maps keys to the unit's own wording.
Templates write a phrase with `{% phrase %}`. Longer text about the unit is a record, `programmes.Passage`.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from vru_portal.text.characters import NOT_IN_ONE_LINE

PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Phrase:
    """A heading, label or button: where it is shown, and the portal's own wording of it."""

    key: str
    where: str
    text: str
    max_length: int = 80  # characters

    @property
    def group(self) -> str:
        """The heading under which the unit's form lists it."""
        return GROUPS[self.key.partition("_")[0]]

    @property
    def placeholders(self) -> set[str]:
        """The names in braces, for which a page puts in a value."""
        return set(PLACEHOLDER.findall(self.text))

    @property
    def help_text(self) -> str:
        advice = "".join(f" Keep {{{name}}}: the page replaces it." for name in sorted(self.placeholders))
        return f"Leave empty to use “{self.text}”.{advice}"

    def check(self, text: Any) -> None:
        """Raise ValidationError if this text cannot replace the portal's wording."""
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"“{self.where}” must not be empty. Leave the phrase out to use “{self.text}”.")
        if len(text) > self.max_length:
            raise ValidationError(f"“{self.where}” must be {self.max_length} characters or fewer. It has {len(text)}.")
        if NOT_IN_ONE_LINE.search(text):
            raise ValidationError(f"“{self.where}” must be one line without control characters. Type it again.")
        if missing := sorted(self.placeholders - set(PLACEHOLDER.findall(text))):
            raise ValidationError(f"“{self.where}” must contain {{{missing[0]}}}, which the page replaces.")
        if set(PLACEHOLDER.findall(text)) - self.placeholders or re.search(r"[{}]", PLACEHOLDER.sub("", text)):
            allowed = ", ".join(f"{{{name}}}" for name in sorted(self.placeholders))
            advice = f"Use no braces but {allowed}." if allowed else "Use no braces."
            raise ValidationError(f"“{self.where}” contains braces that the page cannot replace. {advice}")


GROUPS = {"home": "Wording of the home page", "about": "Wording of the about page", "site": "Wording on every page"}

# A key that ends in _one is the singular of the key without it.
_ALL_PHRASES = (
    Phrase("home_find", "Above the search", "What are you looking for?"),
    Phrase("home_find_button", "Button of the search", "Search", 30),
    Phrase("home_figures", "The four figures, for screen readers", "The programme in four figures"),
    Phrase("home_million", "After a budget in millions", "million", 20),
    Phrase("home_budget", "Below the budget", "budget for {year}", 60),
    Phrase("home_budget_unknown", "Where no budget is stated", "Not stated", 20),
    Phrase("home_budget_unknown_what", "Below that", "budget", 60),
    Phrase(
        "home_initiatives", "After the number of initiatives, also of one level", "initiatives announced so far", 60
    ),
    Phrase("home_initiatives_one", "After the number of initiatives, if it is 1", "initiative announced so far", 60),
    Phrase("home_initiatives_none", "Where there is no initiative", "None yet", 20),
    Phrase("home_initiatives_none_what", "Below that", "initiatives announced", 60),
    Phrase("home_leads", "Below the number of lead organisations", "lead organisations", 60),
    Phrase("home_leads_one", "Below the number of lead organisations, if it is 1", "lead organisation", 60),
    Phrase("home_leads_unknown", "Where no lead organisation is stated", "Not stated", 20),
    Phrase("home_leads_unknown_what", "Below that", "lead organisations", 60),
    Phrase("home_signed", "Below the number of signatories", "have signed the declaration", 60),
    Phrase("home_signed_one", "Below the number of signatories, if it is 1", "has signed the declaration", 60),
    Phrase(
        "home_signed_version",
        "After that, where others signed an earlier version",
        "{count} of them version {number}",
        60,
    ),
    Phrase("home_signed_note", "Source of the number of signatories", "Signatures: the public register, today.", 80),
    Phrase("home_signed_none", "Where nobody has signed", "None yet", 20),
    Phrase("home_signed_none_what", "Below that", "signatures of the declaration", 60),
    Phrase("home_signed_unknown", "Where no declaration is in force", "Not stated", 20),
    Phrase("home_signed_unknown_what", "Below that", "who has signed the declaration", 60),
    Phrase("home_levels", "Heading of the levels, where their passage has none", "Levels of prevention"),
    Phrase("home_level_all", "Link to the initiatives of a level", "All {count} initiatives", 60),
    Phrase("home_level_none", "Where a level has no initiative", "No initiatives published yet"),
    Phrase("home_money", "Heading of the money, where its passage has none", "The money"),
    Phrase("home_money_link", "Link to the money", "Follow the money for {year}"),
    Phrase("home_money_sources", "Heading of the sources", "Where it comes from"),
    Phrase("home_money_uses", "Heading of what is allocated", "Where it goes"),
    Phrase(
        "home_money_allocated",
        "What is allocated and paid",
        "{allocated} has been allocated, and {paid} has been paid.",
        160,
    ),
    Phrase(
        "home_money_carried", "What is carried forward", "{carried} has been carried forward to the next year.", 120
    ),
    Phrase("home_money_returned", "What is returned", "{returned} has been returned to the funder.", 120),
    Phrase("home_money_unallocated", "What is not yet allocated", "{unallocated} has not been allocated yet.", 120),
    Phrase(
        "home_money_uses_unknown",
        "Where nothing is allocated",
        "Where it goes: sums for initiatives are not stated",
        120,
    ),
    Phrase(
        "home_money_recorded", "After the date of what the portal records", "This covers where the money goes.", 120
    ),
    Phrase("home_money_none", "Where there is no budget", "No budget has been published yet.", 120),
    Phrase("home_launch_link", "Link to the event", "See the agenda"),
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
    Phrase(
        "about_description",
        "Description for search engines",
        "What {unit} means by violence and by a public health approach, the conditions for success, and the sources.",
        200,
    ),
    Phrase("about_contents", "Name of the list of sections, for screen readers", "On this page", 40),
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
PHRASES = {phrase.key: phrase for phrase in _ALL_PHRASES}


def wording_of(phrases: dict[str, str], key: str, count: int | None = None, **values: Any) -> str:
    """A phrase in the unit's wording or, failing that, the portal's.

    `count` chooses between singular and plural, and is also a value that the phrase can contain.
    """
    if count == 1 and f"{key}_one" in PHRASES:
        key = f"{key}_one"
    text = phrases.get(key) or PHRASES[key].text
    values["count"] = count
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)


def check_phrases(phrases: Any) -> None:
    """Raise one ValidationError with everything that is wrong with the unit's phrases."""
    if not isinstance(phrases, dict):
        raise ValidationError("The phrases must be a mapping of keys to texts.")
    errors = []
    for key, text in phrases.items():
        try:
            if key not in PHRASES:
                raise ValidationError(f"There is no phrase {key}. The phrases are listed in partners/phrases.py.")
            PHRASES[key].check(text)
        except ValidationError as error:
            errors += error.messages
    if errors:
        raise ValidationError(errors)
