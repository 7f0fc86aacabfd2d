"""Imports and exports of partners. `key` names the fields by which a row of a file finds its record."""

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
from vru_portal.tabular.records.resources import record_resource

PublicationResource = record_resource(Publication)
OrganisationResource = record_resource(Organisation)
UnitResource = record_resource(Unit, key=())  # there is only one
LegalNoticeResource = record_resource(LegalNotice, key=())  # there is only one
ContactPointResource = record_resource(ContactPoint, key=("kind", "label", "value"))
PersonResource = record_resource(Person)
PostResource = record_resource(Post, key=("person", "title", "organisation"))
StatementResource = record_resource(Statement)
