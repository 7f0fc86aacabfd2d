from django.db import models


class Mark(models.TextChoices):
    """The shape that stands for a level of prevention. Each has a colour too, but nothing depends on colour alone."""

    CIRCLE = "circle", "Circle, teal"
    TRIANGLE = "triangle", "Triangle, amber"
    SQUARE = "square", "Square, plum"
    DIAMOND = "diamond", "Diamond, blue"
    HEXAGON = "hexagon", "Hexagon, green"
    PENTAGON = "pentagon", "Pentagon, rust"


class InitiativeStatus(models.TextChoices):
    """The progress of an initiative. Nobody enters it: it follows from its assessment, its money and dates."""

    ANNOUNCED = "announced", "Announced"
    PROPOSED = "proposed", "Proposed"
    ASSESSED = "assessed", "Assessed"
    COMMISSIONED = "commissioned", "Commissioned"
    DELIVERING = "delivering", "Delivering"
    ENDED = "ended", "Ended"

    @property
    def means(self) -> str:
        """An explanation for readers."""
        return {
            InitiativeStatus.ANNOUNCED: "The unit has named it. No allocation has been published. Whether it is "
            "already running is not recorded.",
            InitiativeStatus.PROPOSED: "Its evidence assessment has been written and is waiting for a decision.",
            InitiativeStatus.ASSESSED: "Its evidence assessment has been approved. No money has been allocated yet.",
            InitiativeStatus.COMMISSIONED: "Money has been allocated. The work has not begun.",
            InitiativeStatus.DELIVERING: "Money has been allocated, and work has begun or been paid for.",
            InitiativeStatus.ENDED: "The end date of the funded work has passed.",
        }[self]


class Outcome(models.TextChoices):
    """The decision on an evidence assessment."""

    APPROVED = "approved", "Approved: money can be allocated"
    DECLINED = "declined", "Declined"


class NewsKind(models.TextChoices):
    """What a line of the news is about."""

    STORY = "story", "Stories"
    DECLARATION = "declaration", "The declaration"
    MONEY = "money", "Money"
    PUBLICATION = "publication", "Publications"


class FileRole(models.TextChoices):
    """What a document is: the publication itself, another version of it, or its data."""

    ITSELF = "itself", "The publication itself"
    ACCESSIBLE = "accessible", "An accessible version of it"
    DATA = "data", "Data from it"


class PassagePlace(models.TextChoices):
    """The places on pages that can show a passage of the unit's own text."""

    HOME_LEAD = "home_lead", "Home: what the unit does"
    HOME_LEVELS = "home_levels", "Home: the levels of prevention"
    HOME_MONEY = "home_money", "Home: the money"
    HOME_LAUNCH = "home_launch", "Home: the launch"
    HOME_DECLARATION = "home_declaration", "Home: the declaration"
    ABOUT_LEAD = "about_lead", "About: at the top"
    ABOUT_VIOLENCE = "about_violence", "About: what is meant by violence"
    ABOUT_APPROACH = "about_approach", "About: the public health approach"
    ABOUT_CONDITIONS = "about_conditions", "About: the conditions for success"
    ABOUT_BUILDING = "about_building", "About: what the unit builds on"
    INITIATIVES_LEAD = "initiatives_lead", "Initiatives: at the top"
    PARTNERS_LEAD = "partners_lead", "Partners: at the top"
    PARTNERS_TEAM = "partners_team", "Partners: the unit's team"
    FUNDING_LEAD = "funding_lead", "Funding: at the top"
    DECLARATION_LEAD = "declaration_lead", "Declaration: at the top"
    CONTACT_LEAD = "contact_lead", "Contact: at the top"


# The URL name of the page that contains a slot, by the first word of the slot.
PAGE_OF_PLACE = {
    "home": "home",
    "about": "about",
    "initiatives": "programmes:initiatives",
    "partners": "partners:directory",
    "funding": "funding:latest",
    "declaration": "declarations:declaration",
    "contact": "partners:contact",
}

# Where on its page a passage is, for those that are not at the top.
ANCHORS = {
    PassagePlace.HOME_LEVELS: "levels",
    PassagePlace.HOME_MONEY: "money",
    PassagePlace.HOME_LAUNCH: "launch",
    PassagePlace.HOME_DECLARATION: "declaration",
    PassagePlace.ABOUT_VIOLENCE: "violence",
    PassagePlace.ABOUT_APPROACH: "approach",
    PassagePlace.ABOUT_CONDITIONS: "conditions",
    PassagePlace.ABOUT_BUILDING: "building",
    PassagePlace.PARTNERS_TEAM: "team",
}
