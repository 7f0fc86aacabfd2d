from events.declarations.admin.invitations import InvitationAdmin
from events.declarations.admin.mails import MailAdmin
from events.declarations.admin.organisations import SignatoryBodyAdmin
from events.declarations.admin.paper_signatures import PaperSignatureAdmin
from events.declarations.admin.register import EntryAdmin, RegisterKeyAdmin
from events.declarations.admin.requests import SigningRequestAdmin
from events.declarations.admin.versions import DeclarationAdmin, DeclarationVersionAdmin

__all__ = [
    "DeclarationAdmin",
    "DeclarationVersionAdmin",
    "EntryAdmin",
    "InvitationAdmin",
    "MailAdmin",
    "PaperSignatureAdmin",
    "RegisterKeyAdmin",
    "SignatoryBodyAdmin",
    "SigningRequestAdmin",
]
