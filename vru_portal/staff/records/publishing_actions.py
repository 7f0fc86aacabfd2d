"""The actions on a record that lead to what the public sees: mark ready, send back, publish, set or cancel a date,
unpublish, discard a pending change.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from vru_portal.publishing import pending_changes, submissions, workflow
from vru_portal.publishing.dead_links import records_naming, scheduled_texts_linking_to, texts_linking_to
from vru_portal.publishing.differences import Difference, field_label
from vru_portal.publishing.related_drafts import related_drafts
from vru_portal.publishing.snapshots import owning_record
from vru_portal.publishing.state import PUBLISH, Publishable
from vru_portal.staff.actions import Action
from vru_portal.staff.admin_links import action_url, admin_link
from vru_portal.staff.markdown_field import TextArea
from vru_portal.text.dates import format_datetime
from vru_portal.text.form_fields import LongTextFormField, MomentFormField

MAX_NAMING = 20  # records that name another, on the page that unpublishes it


class ReadVersionForm(forms.Form):
    """Carries which version was on the page, so that nobody decides on one that they have not read."""

    seen = forms.CharField(widget=forms.HiddenInput)


class PublishForm(ReadVersionForm):
    """Publishes now, or on a schedule; alone, or together with drafts that the record names."""

    together = forms.MultipleChoiceField(
        label="Publish with it",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="It names these drafts. They are all published at the same time, or none are.",
    )
    publish_at = MomentFormField(
        label="Publish on",
        required=False,
        widget=AdminSplitDateTime,
        help_text="UK time. Leave both empty to publish now. Otherwise it is published about a minute after this time.",
    )

    def __init__(self, *args: Any, drafts: dict[str, Any], **options: Any) -> None:
        super().__init__(*args, **options)
        together: Any = self.fields["together"]
        together.choices = draft_choices(drafts)
        if not drafts:
            del self.fields["together"]


class NoteForm(forms.Form):
    """Asks for a note to the Editor or the Publisher."""

    note = LongTextFormField(
        max_length=1000,
        widget=TextArea(attrs={"rows": "4"}),
        help_text="It stays in the history of this record, so do not name private people.",
        error_messages={"required": submissions.NOTE_NEEDED},
    )


class PublishWithWarningsForm(PublishForm):
    """Asks whether to publish anyway."""

    despite_warnings = forms.BooleanField(
        label="Publish even though these links do not work",
        error_messages={"required": "Correct the links, or confirm that you want to publish anyway."},
    )


class PublishAction(Action):
    """Publish a draft, or the pending change of a published record."""

    name = "publish"
    label = "Publish"
    permission = PUBLISH
    explanation = "Check what the public will see, then publish it."
    warnings: Sequence[str] = ()  # about publishing it with the drafts that are ticked

    def applies(self) -> bool:
        return workflow.has_something_to_publish(self.row)

    @cached_property
    def review(self) -> workflow.Review:
        """Raises ValidationError if the pending change can no longer be applied."""
        return workflow.review_record(self.row)

    def blocked_reason(self) -> str:
        if not self.applies():
            return workflow.NOTHING_TO_PUBLISH
        try:
            blockers = self.review.blockers
        except ValidationError as error:
            blockers = error.messages
        return f"This cannot be published yet. {' '.join(map(as_sentence, blockers))}" if blockers else ""

    def facts(self) -> list[tuple[str, str]]:
        warnings = "\n".join(map(as_sentence, self.warnings))
        links = [("Links that do not work for visitors", warnings)] if warnings else []
        pending = pending_changes.pending_change(self.row)
        dated = pending is not None and pending.publish_at is not None and not pending.fault
        date = [("Replaces", capfirst(submissions.describe_date(pending, self.by)))] if pending and dated else []
        return [*said_before(self.row), *date, preview_fact(self.row), *links]

    def passage(self) -> tuple[str, SafeString] | None:
        return ("What changes", _differences_table(self.review.differences)) if self.row.is_public else None

    def form(self, **data: Any) -> forms.Form:
        pending, together = pending_changes.pending_change(self.row), self.review.together
        initial = {
            "seen": self.review.fingerprint,
            "together": list(together),
            "publish_at": pending and pending.publish_at,
        }
        self.warnings = self.review.warnings
        if data:
            ticked = data["data"].getlist("together")
            drafts = [draft for key, draft in together.items() if key in ticked]
            self.warnings = workflow.link_warnings(self.row, drafts)
        form = PublishWithWarningsForm if self.warnings else PublishForm
        return form(**data, drafts=together, initial=initial)

    def perform(self, form: Any) -> str:
        at, chosen = form.cleaned_data["publish_at"], form.cleaned_data.get("together", [])
        together = dict(choice.split() for choice in chosen)
        workflow.publish(self.row, by=self.by, at=at, seen_fingerprint=form.cleaned_data["seen"], together=together)
        drafts = ", ".join(f"“{self.review.together[choice]}”" for choice in chosen)
        done = f"To be published on {format_datetime(at)}" if at else "Published"
        return f"{done}, together with {drafts}" if drafts else done

    def link_after(self) -> SafeString | str:
        self.row.refresh_from_db()
        if not self.row.is_public or not self.row.public_address:
            return ""
        return format_html('. <a href="{}">See it on the site</a>', self.row.public_address)


class MarkReadyAction(Action):
    """Tell the Publishers that a draft or a pending change is ready. Anyone who may change a record may do this."""

    name = "ready"
    label = "Ready to publish"
    permission = "change"
    explanation = "Publishers see this on their start page, with your note. You can still change it."

    def applies(self) -> bool:
        return workflow.has_something_to_publish(self.row)

    def blocked_reason(self) -> str:
        reasons = workflow.reasons_not_ready(self.row)
        return f"This is not ready yet. {' '.join(map(as_sentence, reasons))}" if reasons else ""

    def facts(self) -> list[tuple[str, str]]:
        facts = [*said_before(self.row), preview_fact(self.row)]
        if drafts := ", ".join(map(draft_title, related_drafts(self.row))):
            facts.append(("Drafts that it names", f"{drafts}. A Publisher can publish them together with it."))
        return facts

    def form(self, **data: Any) -> forms.Form:
        form = NoteForm(**data)
        form.fields["note"].required = False
        return form

    def perform(self, form: Any) -> str:
        note = form.cleaned_data["note"]
        workflow.mark_ready(self.row, by=self.by, note=note)
        return f"Marked ready to publish{f': “{note}”' if note else ''}"


class TakeBackAction(Action):
    """Tell the Publishers that a record is not ready after all."""

    name = "take-back"
    label = "Not ready yet"
    permission = "change"
    explanation = "Publishers no longer see this on their start page. Mark it ready again when it is."

    def applies(self) -> bool:
        return submissions.is_marked_ready(self.row)

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This is not marked as ready to publish."

    def facts(self) -> list[tuple[str, str]]:
        return said_before(self.row)

    def perform(self, form: Any) -> str:
        workflow.take_back(self.row, by=self.by)
        return "No longer marked ready to publish"


class SendBackAction(Action):
    """Return a draft or a pending change to its author."""

    name = "send-back"
    label = "Send back"
    permission = PUBLISH
    explanation = (
        "The person who wrote this sees your note on their start page. If a publication date was set, it is cancelled."
    )

    def applies(self) -> bool:
        return workflow.has_something_to_publish(self.row)

    def blocked_reason(self) -> str:
        return "" if self.applies() else workflow.NOTHING_TO_PUBLISH

    def facts(self) -> list[tuple[str, str]]:
        author = submissions.author_of(self.row)
        return [
            *said_before(self.row),
            ("Goes to", str(author or "All Editors, because nobody who wrote it has an active account")),
            *dates_to_be_cancelled(self.row, self.by),
        ]

    def form(self, **data: Any) -> forms.Form:
        return NoteForm(**data)

    def perform(self, form: Any) -> str:
        note = form.cleaned_data["note"]
        workflow.send_back(self.row, by=self.by, note=note)
        return f"Sent back: “{note}”"


class CancelDateAction(Action):
    """Cancel the date on which a record was to be published."""

    name = "cancel-date"
    label = "Cancel the date"
    permission = PUBLISH
    explanation = "It will not be published on this date. The draft does not change."

    def __init__(self, row: Any, by: Any) -> None:
        super().__init__(row, by)
        self.closes_notice = submissions.has_only_a_notice(row)
        if self.closes_notice:  # somebody has discarded what was to be published on the date
            self.label = "Close the notice"  # type: ignore[misc]
            self.explanation = "Publishers no longer see this on their start page."  # type: ignore[misc]

    def applies(self) -> bool:
        pending = pending_changes.pending_change(self.row)
        return self.closes_notice or (pending is not None and pending.publish_at is not None)

    def blocked_reason(self) -> str:
        return "" if self.applies() else "There is no date to cancel."

    def facts(self) -> list[tuple[str, str]]:
        pending = pending_changes.pending_change(self.row)
        if pending is None:
            return said_before(self.row)
        return [("To be cancelled", capfirst(submissions.describe_date(pending, self.by)))]

    def form(self, **data: Any) -> forms.Form:
        return forms.Form(**data)

    def perform(self, form: Any) -> str:
        workflow.cancel_date(self.row, by=self.by)
        return "Notice closed" if self.closes_notice else "Date cancelled"


class UnpublishAction(Action):
    """Make a published record a draft again."""

    name = "unpublish"
    label = "Unpublish"
    permission = PUBLISH
    explanation = (
        "The record becomes a draft. It is removed from all pages, lists, counts and files immediately, and its "
        "address shows “not found”. Pending changes become part of the draft. A scheduled publication is cancelled."
    )

    def applies(self) -> bool:
        return isinstance(self.row, Publishable) and self.row.is_public

    def facts(self) -> list[tuple[str, str]]:
        return [*linked_from(self.row), *dates_to_be_cancelled(self.row, self.by)]

    def blocked_reason(self) -> str:
        return self.row.unpublishing_blocker() if self.applies() else "This is not published."

    def perform(self, form: Any) -> str:
        workflow.unpublish(self.row, by=self.by)
        return "Unpublished"


class DiscardPendingChangeAction(Action):
    """Discard the pending change. Anyone who may change a record may do this."""

    name = "discard"
    label = "Discard pending changes"
    permission = "change"
    explanation = (
        "The pending changes are discarded, and any scheduled publication is cancelled. What the public sees does "
        "not change."
    )

    def applies(self) -> bool:
        pending = pending_changes.pending_change(self.row)
        return pending is not None and bool(pending.changes)

    def blocked_reason(self) -> str:
        return "" if self.applies() else "There are no pending changes."

    def facts(self) -> list[tuple[str, str]]:
        return dates_to_be_cancelled(self.row, self.by)

    def passage(self) -> tuple[str, SafeString] | None:
        try:
            table = _differences_table(pending_changes.pending_differences(self.row))
        except ValidationError as error:  # it can still be discarded: often that is the way out
            table = format_html("<p>{}</p>", " ".join(error.messages))
        return "What is discarded", table

    def form(self, **data: Any) -> forms.Form:
        return ReadVersionForm(**data, initial={"seen": pending_changes.pending_version(self.row)})

    def perform(self, form: Any) -> str:
        workflow.discard(self.row, by=self.by, seen_version=form.cleaned_data["seen"])
        return "Pending changes discarded"


def draft_choices(drafts: dict[str, Any]) -> list[tuple[str, SafeString]]:
    """Drafts to tick, each with a link to its preview."""
    return [
        (key, format_html('{} (<a href="{}">preview</a>)', draft_title(draft), action_url(draft, "preview")))
        for key, draft in drafts.items()
    ]


def draft_title(draft: Any) -> str:
    return f"{capfirst(str(draft._meta.verbose_name))} “{draft}”"


def preview_fact(row: Any) -> tuple[str, str]:
    url = action_url(row, "preview")
    return ("Preview", format_html('<a href="{}">See the page as it will be</a>', url))


def said_before(row: Any) -> list[tuple[str, str]]:
    """What an Editor or a Publisher has said about the record, as a fact of an action's page."""
    submission = submissions.submission_of(row)
    return [(submission.get_state_display(), submissions.describe(submission))] if submission else []


def dates_to_be_cancelled(row: Any, by: Any) -> list[tuple[str, str]]:
    """The dates that are lost if this person goes on, as a fact: somebody else may rely on them."""
    dates = submissions.dates_lost_by(by, row)
    return [("Dates", "\n".join(dates))] if dates else []


def _differences_table(differences: list[Difference]) -> SafeString:
    context = {"changes": differences, "before": "Now", "after": "Once published"}
    return render_to_string("admin/record/differences.html", context)


def linked_from(row: Any) -> list[tuple[str, str]]:
    """Where texts link to a record, whose page is about to go: published ones, and those that have a date.

    And which published records name it: they stay, without it.
    """
    lines = [
        (admin_link(owning_record(text.row)), field_label(text.row, text.field.name), "")
        for text in texts_linking_to(row)
    ]
    lines += [
        (
            admin_link(pending.record),
            field_label(text.row, text.field.name),
            f", to be published on {format_datetime(pending.publish_at)}",
        )
        for pending, text in scheduled_texts_linking_to(row)
        if pending.publish_at
    ]
    naming = {(admin_link(owning_record(one)), field_label(one, name)): None for one, name in records_naming(row)}
    more = len(naming) - MAX_NAMING
    names = [*islice(naming, MAX_NAMING), *([(f"{more} more", "in the same way")] if more > 0 else [])]
    facts = [
        ("Linked from", format_html_join("\n", "{}, {}{}", lines)),
        ("Named by", format_html_join("\n", "{}, {}", names)),
    ]
    return [(heading, text) for heading, text in facts if text]


def as_sentence(text: str) -> str:
    """Start with a capital letter and end with a full stop."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
