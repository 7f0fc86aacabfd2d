from events.declarations.admin.bodies import SignatoryBodyAdmin
from events.declarations.admin.invitations import InvitationAdmin
from events.declarations.admin.mails import MailAdmin
from events.declarations.admin.paper import PaperSignatureAdmin
from events.declarations.admin.register import EntryAdmin, RegisterKeyAdmin
from events.declarations.admin.requests import SigningRequestAdmin
from events.declarations.admin.texts import DeclarationAdmin, DeclarationVersionAdmin

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
