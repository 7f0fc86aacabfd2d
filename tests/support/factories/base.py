"""What all factories build on, and what the records of every app name."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from factory.declarations import LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from partners.models import Publication
from vru_portal.links.choices import LinkPurpose, MailPurpose
from vru_portal.publishing.state import State

DAY = date(2031, 5, 6)
_writes_history = ContextVar("writes_history", default=False)


@contextmanager
def with_history() -> Iterator[None]:
    """Let factories write the history of what they make, as the portal does."""
    token = _writes_history.set(True)
    try:
        yield
    finally:
        _writes_history.reset(token)


class RecordFactory(DjangoModelFactory[Any]):
    """Calling a factory gives a record, which a type checker cannot see."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def __new__(cls, **fields: Any) -> Any: ...

        @classmethod
        def build(cls, **fields: Any) -> Any: ...

        @classmethod
        def create_batch(cls, size: int, **fields: Any) -> list[Any]: ...

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **kwargs: Any) -> Any:
        """Save a row; outside `with_history`, without the first row of its history, which costs half as much again."""
        looked_up_first = getattr(cls._meta, "django_get_or_create", False)
        if _writes_history.get() or looked_up_first or not hasattr(model_class, "history"):
            return super()._create(model_class, *args, **kwargs)
        row = model_class(*args, **kwargs)
        row.skip_history_when_saving = True
        row.save(force_insert=True)
        del row.skip_history_when_saving
        return row

    @classmethod
    def unsaved(cls, **fields: Any) -> Any:
        """Return a row that is not recorded yet; what it names is."""
        made = {"_create": classmethod(lambda _, model, **values: model(**values))}
        return type(cls.__name__, (cls,), made)(**fields)


class PublicationFactory(RecordFactory):
    class Meta:
        model = Publication
        skip_postgeneration_save = True

    title = Sequence("Plan {}".format)
    slug = Sequence("plan-{}".format)
    published_on = DAY
    state = State.PUBLISHED


class SourcedFactory(RecordFactory):
    """Each record has a publication of its own, so that tests notice a page that queries them one by one."""

    class Meta:
        abstract = True

    source = SubFactory(PublicationFactory)
    source_location = "Chapter 7"
    as_at = DAY


class PublishedFactory(SourcedFactory):
    class Meta:
        abstract = True

    state = State.PUBLISHED


class RequestLinkFactory(RecordFactory):
    """An emailed link of a request; a subclass has the draft."""

    class Meta:
        abstract = True

    purpose = LinkPurpose.FILL_IN
    sha256 = Sequence("{:064x}".format)
    expires_at = LazyFunction(lambda: timezone.now() + timedelta(days=30))


class RequestMailFactory(RecordFactory):
    """The email with which something is asked for; a subclass has the draft."""

    class Meta:
        abstract = True

    kind = MailPurpose.REQUEST
    to = "robin@reporter.example"
    message_id = Sequence("<request-{}@portal.example>".format)


class UserFactory(RecordFactory):
    class Meta:
        model = get_user_model()

    username = Sequence("colleague-{}".format)
    is_staff = True


def reverse(row: Any) -> Any:
    """Record the row that takes this one back."""
    reversal = row.build_reversal()
    reversal.reason = "Entered twice."
    reversal.recorded_by = UserFactory()
    reversal.save(force_insert=True)
    return reversal
