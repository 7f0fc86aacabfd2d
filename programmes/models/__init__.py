"""What the unit does: levels of prevention, initiatives, evidence, and the texts of its pages."""

from programmes.models.about_page import Predecessor, SuccessCondition, Term
from programmes.models.approaches import ToolkitApproach
from programmes.models.assessments import AssessmentDecision, EvidenceAssessment
from programmes.models.files import Document, DocumentText, Picture, UploadedFileRecord, upload_storage
from programmes.models.initiatives import Area, Audience, FilterWord, Initiative, Setting
from programmes.models.levels import PreventionLevel
from programmes.models.passages import Passage
from programmes.models.stories import Story
from programmes.models.synonyms import Synonym

__all__ = [
    "Area",
    "AssessmentDecision",
    "Audience",
    "Document",
    "DocumentText",
    "EvidenceAssessment",
    "FilterWord",
    "Initiative",
    "Passage",
    "Picture",
    "Predecessor",
    "PreventionLevel",
    "Setting",
    "Story",
    "SuccessCondition",
    "Synonym",
    "Term",
    "ToolkitApproach",
    "UploadedFileRecord",
    "upload_storage",
]
