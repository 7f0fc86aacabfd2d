"""The steps by which the public gets to see a record, or no longer: publish, unpublish, drop what waits."""

from functools import cached_property
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal import drafts
from vru_portal.publishing import Publishable
from vru_portal.step_admin import Step, step_url


def when(moment: Any) -> str:
    """Return a moment as staff read it."""
    return formats.date_format(timezone.localtime(moment), "j F Y, H:i")


class ReadForm(forms.Form):
    """What somebody had before them."""

    read = forms.CharField(widget=forms.HiddenInput)


class PublishForm(ReadForm):
    """When."""

    publish_at = forms.SplitDateTimeField(
        label="Publish on",
        required=False,
        widget=AdminSplitDateTime,
        help_text="Leave both empty to publish now. Otherwise it is published within a minute or so of this moment.",
    )


class PublishStep(Step):
    """Show a draft, or the change that waits, to the public."""

    name = "publish"
    label = "Publish"
    permission = "vru_portal.publish"
    explanation = "Read what the public will see, then publish it."

    def applies(self) -> bool:
        """There is something that the public does not see yet."""
        return not self.row.is_public or drafts.pending_of(self.row) is not None

    @cached_property
    def proposal(self) -> drafts.Proposal:
        """What would be published; raises ValidationError where it cannot be made any more."""
        return drafts.proposal_of(self.row)

    def obstacle(self) -> str:
        """Say what is missing, and where."""
        if not self.applies():
            return "The public sees this as it is: there is nothing to publish."
        try:
            said = self.proposal.obstacles
        except ValidationError as error:
            said = error.messages
        return f"This cannot be published yet. {' '.join(sentence(one) for one in said)}" if said else ""

    def facts(self) -> list[tuple[str, str]]:
        """Return the way to the preview."""
        return [("Preview", format_html('<a href="{}">See the page as it will be</a>', step_url(self.row, "preview")))]

    def passage(self) -> tuple[str, SafeString] | None:
        """Return what changes of what the public sees."""
        return ("What changes", table_of(self.proposal.differences)) if self.row.is_public else None

    def form(self, **data: Any) -> forms.Form:
        """Ask when, and hold what was read."""
        return PublishForm(**data, initial={"read": self.proposal.fingerprint})

    def take(self, form: Any) -> str:
        """Publish it."""
        at = form.cleaned_data["publish_at"]
        drafts.publish(self.row, by=self.by, at=at, read=form.cleaned_data["read"])
        return f"To be published on {when(at)}" if at else "Published"


class UnpublishStep(Step):
    """Take a record from the public."""

    name = "unpublish"
    label = "Unpublish"
    permission = "vru_portal.publish"
    explanation = (
        "The record becomes a draft: at once it is on no page, in no list, count or file. Its address answers “not "
        "found”. Changes that wait become part of the draft; a day on which they would be published is dropped."
    )

    def applies(self) -> bool:
        """The public sees it, and could do without it."""
        return isinstance(self.row, Publishable) and self.row.is_public

    def obstacle(self) -> str:
        """Say that there is nothing to take away, or what would lack it."""
        return self.row.needed_by() if self.applies() else "The public does not see this."

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing."""
        return forms.Form(**data)

    def take(self, form: Any) -> str:
        """Unpublish it."""
        drafts.unpublish(self.row, by=self.by)
        return "Unpublished"


class DiscardStep(Step):
    """Drop the change that waits."""

    name = "discard"
    label = "Drop what waits"
    explanation = "What waits to be published is dropped, with the day set for it. What the public sees stays as it is."

    @classmethod
    def allowed(cls, user: Any, opts: Any) -> bool:
        """Whoever may change a record may drop the change."""
        return bool(user.has_perm(f"{opts.app_label}.change_{opts.model_name}"))

    def applies(self) -> bool:
        """Something waits."""
        return drafts.pending_of(self.row) is not None

    def obstacle(self) -> str:
        """Say that nothing waits."""
        return "" if self.applies() else "No change waits."

    def passage(self) -> tuple[str, SafeString] | None:
        """Return what is lost."""
        try:
            return "What is dropped", table_of(drafts.differences(self.row))
        except ValidationError as error:
            return "What is dropped", format_html("<p>{}</p>", " ".join(error.messages))

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing, and hold what was read."""
        return ReadForm(**data, initial={"read": drafts.version_of(self.row)})

    def take(self, form: Any) -> str:
        """Drop it."""
        drafts.discard(self.row, read=form.cleaned_data["read"])
        return "Changes dropped"


def table_of(changes: list[drafts.Difference]) -> SafeString:
    """Return how two states of a record differ, as a table."""
    return render_to_string("admin/record/differences.html", {"changes": changes, "before": "Now", "after": "Then"})


def sentence(text: str) -> str:
    """Return what is missing as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}" if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."
