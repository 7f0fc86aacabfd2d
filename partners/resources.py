"""Files of people, bodies and what is published: which field of each says which record a row is about."""

from partners.models import (
    ContactPoint,
    LegalNotice,
    Organisation,
    Person,
    Post,
    Publication,
    Statement,
    Unit,
)
from vru_portal.record_resource import RecordResource


class PublicationResource(RecordResource):
    """Sources."""

    model = Publication


class OrganisationResource(RecordResource):
    """Bodies."""

    model = Organisation


class UnitResource(RecordResource):
    """The one unit."""

    model = Unit
    key = ()


class LegalNoticeResource(RecordResource):
    """The one legal notice."""

    model = LegalNotice
    key = ()


class ContactPointResource(RecordResource):
    """Ways to reach the unit: one with another value is another one."""

    model = ContactPoint
    key = ("kind", "label", "value")


class PersonResource(RecordResource):
    """People, without their posts."""

    model = Person


class PostResource(RecordResource):
    """Posts: one with another title or body is another post."""

    model = Post
    key = ("person", "title", "organisation")


class StatementResource(RecordResource):
    """Messages."""

    model = Statement
