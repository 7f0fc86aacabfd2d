from events.declarations.models.invitations import (
    Invitation,
    Mail,
    PaperSignature,
    Preparation,
    SignatoryBody,
    SigningRequest,
    Token,
)
from events.declarations.models.register import Entry, Head, LiveSignature, PersonalRecord, RegisterKey, TreeNode
from events.declarations.models.versions import Declaration, DeclarationVersion

__all__ = [
    "Declaration",
    "DeclarationVersion",
    "Entry",
    "Head",
    "Invitation",
    "LiveSignature",
    "Mail",
    "PaperSignature",
    "PersonalRecord",
    "Preparation",
    "RegisterKey",
    "SignatoryBody",
    "SigningRequest",
    "Token",
    "TreeNode",
]
