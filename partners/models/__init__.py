"""The unit, its partners, the people, and what they published."""

from partners.models.legal_notice import LegalNotice
from partners.models.organisations import Organisation, Sector
from partners.models.other_names import OtherNames
from partners.models.people import Person, Post
from partners.models.publications import Publication
from partners.models.statements import Statement
from partners.models.unit import ContactPoint, Unit

__all__ = [
    "ContactPoint",
    "LegalNotice",
    "Organisation",
    "OtherNames",
    "Person",
    "Post",
    "Publication",
    "Sector",
    "Statement",
    "Unit",
]
