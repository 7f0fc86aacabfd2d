from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction
from factory.declarations import LazyAttribute, Sequence, SubFactory, Trait

from events.declarations.choices import Authority, InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Head,
    Invitation,
    LiveSignature,
    Mail,
    PaperSignature,
    PersonalRecord,
    Preparation,
    RegisterKey,
    SignatoryBody,
    SigningRequest,
    Token,
    TreeNode,
)
from events.declarations.register import log
from events.declarations.rules import signing
from tests.support.factories.base import RecordFactory, SourcedFactory, UserFactory


class DeclarationFactory(RecordFactory):
    class Meta:
        model = Declaration

    title = Sequence("Promise {}".format)
    slug = Sequence("promise-{}".format)


class VersionFactory(SourcedFactory):
    class Meta:
        model = DeclarationVersion

    class Params:
        in_force = Trait(
            in_force_from=date(2019, 5, 9),
            sha256=LazyAttribute(lambda version: DeclarationVersion(text=version.text).fingerprint),
        )

    declaration = SubFactory(DeclarationFactory)
    number = LazyAttribute(lambda version: version.declaration.versions.count() + 1)
    text = "We keep the paths."


class BodyFactory(RecordFactory):
    class Meta:
        model = SignatoryBody

    name = Sequence("Signatory {}".format)


class InvitationFactory(RecordFactory):
    class Meta:
        model = Invitation

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    email = Sequence("post{}@body.example".format)
    contact_name = "Robin Vale"
    state = InvitationState.SENT


class PreparationFactory(RecordFactory):
    class Meta:
        model = Preparation

    invitation = SubFactory(InvitationFactory, state=InvitationState.STARTED)
    name = "Sam Example"
    role = "Chair of trustees"
    email = LazyAttribute(lambda made: made.invitation.email)
    authority = Authority.POST


class TokenFactory(RecordFactory):
    class Meta:
        model = Token

    invitation = SubFactory(InvitationFactory)
    purpose = SigningLinkPurpose.SIGN
    sha256 = Sequence("{:064x}".format)
    expires_at = datetime(2099, 1, 1, tzinfo=UTC)


class MailFactory(RecordFactory):
    class Meta:
        model = Mail

    kind = MailKind.INVITATION
    invitation = SubFactory(InvitationFactory)
    to = LazyAttribute(lambda made: made.invitation.email)
    message_id = Sequence("<{}@portal.example>".format)


class SigningRequestFactory(RecordFactory):
    class Meta:
        model = SigningRequest

    name = Sequence("Asking body {}".format)
    contact_name = "Kit Asker"
    email = Sequence("ask{}@body.example".format)


class PaperSignatureFactory(RecordFactory):
    class Meta:
        model = PaperSignature

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    signatory_name = "Sam Example"
    signatory_role = "Chair of trustees"
    signed_on = date(2019, 5, 9)
    scan = "2019/scan.pdf"
    scan_sha256 = "5" * 64
    recorded_by = SubFactory(UserFactory)


class RegisterKeyFactory(RecordFactory):
    """A key whose private half is a file: with it comes the head."""

    class Meta:
        model = RegisterKey

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Any:
        return log.rotate_key()


class EntryFactory(RecordFactory):
    """A signature: nothing makes an entry but the register itself, and with it come the rows below."""

    class Meta:
        model = Entry

    body = SubFactory(BodyFactory)
    version = SubFactory(VersionFactory, in_force=True)
    name_is_public = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, body: Any, version: Any, name_is_public: bool, **fields: Any) -> Any:
        if not RegisterKey.objects.exists():
            log.rotate_key()
        who = signing.Signatory(
            "Sam Example", "Chair of trustees", "sam@body.example", Authority.POST, name_is_public=name_is_public
        )
        with transaction.atomic():
            return signing.append_signature(body=body, version=version, signatory=who, stated={})


class WithEntryFactory(RecordFactory):
    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Any:
        EntryFactory(**fields)
        return model_class._default_manager.latest("pk")


class HeadFactory(WithEntryFactory):
    class Meta:
        model = Head


class TreeNodeFactory(WithEntryFactory):
    class Meta:
        model = TreeNode


class PersonalRecordFactory(WithEntryFactory):
    class Meta:
        model = PersonalRecord


class LiveSignatureFactory(WithEntryFactory):
    class Meta:
        model = LiveSignature
