"""Erasing who was asked for figures. The figures themselves name nobody and stay."""

from programmes.results.models import Mail, ReturnDraft, Token


def forget_draft(*, draft: ReturnDraft) -> None:
    """Erase the people, emails and links of a return; and what was typed, of which the approved figures remain."""
    Mail.objects.filter(draft=draft).delete()
    Token.objects.filter(draft=draft).delete()
    ReturnDraft.objects.filter(pk=draft.pk).update(
        email="",
        contact_name="",
        prepared_by="",
        confirm_name="",
        confirm_email="",
        confirmed_by="",
        question="",
        questioned_answers="",
        answers={},
    )
