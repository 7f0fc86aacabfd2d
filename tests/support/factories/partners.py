from factory.declarations import LazyFunction, Sequence, SubFactory

from partners.choices import ContactKind
from partners.models import ContactPoint, LegalNotice, Organisation, Person, Post, Sector, Statement, Unit
from tests.support.factories.base import PublishedFactory, RecordFactory, SourcedFactory


class SectorFactory(RecordFactory):
    class Meta:
        model = Sector

    name = Sequence("Sector {}".format)
    slug = Sequence("sector-{}".format)


class OrganisationFactory(PublishedFactory):
    class Meta:
        model = Organisation

    name = Sequence("Body {}".format)
    slug = Sequence("body-{}".format)
    summary = "Mends *bridges*."


class UnitFactory(SourcedFactory):
    class Meta:
        model = Unit

    organisation = SubFactory(OrganisationFactory, name="Moor Partnership", slug="moor-partnership")
    region = "The Moor"
    slogan = "Paths are made by walking"
    slogan_emphasis = "walking"
    description = "What the moor does against violence."


class LegalNoticeFactory(RecordFactory):
    """All that the law requires to be stated before personal data is collected."""

    class Meta:
        model = LegalNotice
        django_get_or_create = ("id",)

    id = 1
    controller = "The Office of Examples, 1 Example Street"
    data_protection_contact = "data@example.org"
    lawful_basis = "Article 6(1)(e): a task in the public interest."
    retention_days = 2190
    complaints = "Write to complaints@example.org."
    accessibility = "Tested in autumn."


class ContactPointFactory(SourcedFactory):
    class Meta:
        model = ContactPoint

    unit = LazyFunction(lambda: Unit.objects.get())
    kind = ContactKind.EMAIL
    value = Sequence("desk{}@moor.example.org".format)
    position = Sequence(int)


class PersonFactory(PublishedFactory):
    class Meta:
        model = Person

    name = Sequence("Robin Vale {}".format)
    family_name = "Vale"
    slug = Sequence("robin-vale-{}".format)


class PostFactory(SourcedFactory):
    class Meta:
        model = Post

    person = SubFactory(PersonFactory)
    title = Sequence("Warden {}".format)
    organisation = SubFactory(OrganisationFactory)
    position = Sequence(int)


class StatementFactory(PublishedFactory):
    class Meta:
        model = Statement

    title = Sequence("Message {}".format)
    slug = Sequence("message-{}".format)
    speaker = SubFactory(PersonFactory)
    quote = "A path is everybody's."
    summary = "Why paths matter."
    text = "Robin Vale says that paths matter."
    position = Sequence(int)
