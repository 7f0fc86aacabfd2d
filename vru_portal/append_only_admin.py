"""Staff's pages for rows that never change: a form that records one, its facts, and steps that do one thing each."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal.admin import PortalAdmin
from vru_portal.append_only import REDACTED, Reversible, redact
from vru_portal.append_only import reverse as take_back

logger = logging.getLogger(__name__)

MEANWHILE = (
    "The database refused this: the same may have been recorded at this very moment. Look for it in the list before "
    "you send it again."
)


@dataclass(frozen=True)
class Section:
    """A table below the facts of a row."""

    title: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    empty: str = ""
    note: str = ""
    figures: frozenset[int] = field(default_factory=frozenset)  # which columns are sums


def say(form: forms.BaseForm, error: ValidationError) -> None:
    """Put what a rule says at the fields that it names; what the form has no field for, above them."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, sentences in error.message_dict.items():
        form.add_error(name if name in form.fields else None, sentences)


class RecordForm(forms.ModelForm[Any]):
    """A form that is valid once the rule behind it has recorded what it says.

    So a refusal, a rule's or that of the database itself, is shown at its field with everything typed still there.
    """

    by: Any = None  # who fills it in: set by the admin

    def record(self) -> None:
        """Record the instance through its rule."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.record()
        except ValidationError as error:
            say(self, error)
        except IntegrityError:
            logger.exception("The database refused what a form said")
            self.add_error(None, MEANWHILE)

    def save(self, commit: bool = True) -> Any:
        """Return the row, which is recorded already."""
        return super().save(commit=False)


class Step:
    """One thing that staff can do to a recorded row, on a page of its own: what it does, a form, and its rule."""

    name: ClassVar[str]  # in the address
    label: ClassVar[str]
    permission: ClassVar[str]  # such as "funding.add_payment"
    explanation: ClassVar[str]

    def __init__(self, row: Any, by: Any) -> None:
        self.row, self.by = row, by

    def applies(self) -> bool:
        """Whether the row's page offers this at all."""
        return True

    def obstacle(self) -> str:
        """Why this cannot be done now, with the way out; empty where it can."""
        return ""

    def facts(self) -> list[tuple[str, str]]:
        """Return what has to be read first: headings, with texts."""
        return []

    def form(self, **data: Any) -> forms.Form:
        """Return the form."""
        raise NotImplementedError

    def take(self, form: Any) -> str:
        """Do it, and return what was done as a sentence; raises ValidationError where a rule refuses it."""
        raise NotImplementedError


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Shown in public with the row that it concerns. No personal data.",
    )


class ReverseStep(Step):
    """Take a row back."""

    name = "reverse"
    label = "Reverse"
    explanation = (
        "This records a second row that takes the whole of this one back. Both stay, and are shown with your reason. "
        "Afterwards, record what is right anew."
    )

    def applies(self) -> bool:
        """A reversal is not reversed, and nothing is reversed twice."""
        return self.row.reverses_id is None and not self.row.is_reversed

    def obstacle(self) -> str:
        """Say what has been done already."""
        return "" if self.applies() else "This is reversed, or a reversal itself. Record what is right anew."

    def form(self, **data: Any) -> forms.Form:
        """Ask for the reason."""
        return ReasonForm(**data)

    def take(self, form: Any) -> str:
        """Record the reversal."""
        take_back(self.row, by=self.by, reason=form.cleaned_data["reason"])
        return "Reversed"  # without the reason: this is logged, and from the log no text can be taken out


class RedactStep(Step):
    """Take free text out."""

    name = "redact"
    label = "Take text out"
    explanation = (
        "For personal data that should never have been written here. The text is gone for good, everywhere; in its "
        f"place stands {REDACTED}. Sums, days and names of bodies stay."
    )

    def texts(self) -> list[str]:
        """Return the fields that hold text which can be taken out."""
        return [name for name in self.row.redactable if getattr(self.row, name) not in ("", REDACTED)]

    def obstacle(self) -> str:
        """Say that there is nothing to take out."""
        return "" if self.texts() else "There is no text here that could be taken out."

    def form(self, **data: Any) -> forms.Form:
        """Ask which texts, and why."""
        label = self.row._meta.get_field
        form = ReasonForm(**data)
        choices = [(name, str(label(name).verbose_name).capitalize()) for name in self.texts()]
        form.fields["texts"] = forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple)
        form.fields["reason"].help_text = "Stays beside the row. Do not repeat what you take out."
        form.order_fields(["texts", "reason"])
        return form

    def take(self, form: Any) -> str:
        """Take the chosen texts out."""
        chosen, reason = form.cleaned_data["texts"], form.cleaned_data["reason"]
        redact(self.row, fields=chosen, by=self.by, reason=reason)
        return f"Taken out: {', '.join(chosen)}. {reason}"


class AppendOnlyAdmin(PortalAdmin):
    """A table of rows that never change: no editing, no deleting, nothing in bulk."""

    actions = None
    save_on_top = False
    change_form_template = "admin/append_only/change_form.html"
    record_form: ClassVar[type[RecordForm]]
    record_fieldsets: ClassVar[Sequence[Any]] = ()  # of the form; `fieldsets` are those of the facts
    steps: ClassVar[tuple[type[Step], ...]] = ()

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/staff.css"]}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed: a correction is a step."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is removed."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may record a row or do something to one can look at it."""
        return (
            super().has_view_permission(request, obj)
            or self.has_add_permission(request)
            or any(request.user.has_perm(step.permission) for step in self.steps)
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form that records; facts need none of their own."""
        if obj is None:
            kwargs.setdefault("form", self.record_form)
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the form, or the facts: what was taken out only where something was."""
        if obj is None:
            return self.record_fieldsets
        empty = {"redaction"} if not obj.redaction else set()
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in empty]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What belongs to a row is recorded after it."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form has recorded it (see `RecordForm`)."""

    # What a row's page shows -----------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return the tables below the facts of a row; those below the form, where there is no row yet."""
        return []

    def notice(self, request: HttpRequest, row: Any) -> str:
        """Return a sentence above the facts, if there is something to say."""
        return chain(row) if isinstance(row, Reversible) else ""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add what can be done to the row, and the tables below it."""
        row = kwargs.get("obj")
        context |= {
            "tools": self.tools(request, row) if row else [],
            "notice": self.notice(request, row) if row else "",
            "sections": self.sections(request, row),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def tools(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        """Return the label and the address of each step that this person may take."""
        offered = [step for step in self.steps if request.user.has_perm(step.permission)]
        return [(step.label, step_url(row, step.name)) for step in offered if step(row, request.user).applies()]

    # The steps -------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        """Add an address for each step."""
        info = (self.opts.app_label, self.opts.model_name)
        return [
            path(
                f"<path:object_id>/{step.name}/",
                self.admin_site.admin_view(partial(self.step_view, step_class=step)),
                name="{}_{}_{}".format(*info, step.name),
            )
            for step in self.steps
        ] + super().get_urls()

    def step_view(self, request: HttpRequest, object_id: str, step_class: type[Step]) -> HttpResponse:
        """Show a step's form, and take the step when it is sent."""
        if not request.user.has_perm(step_class.permission):
            raise PermissionDenied
        with transaction.atomic():
            if request.method == "POST":
                self.hold(object_id)
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            step = step_class(row, request.user)
            obstacle = step.obstacle()
            form = None if obstacle else step.form(**({"data": request.POST} if request.method == "POST" else {}))
            if form and form.is_bound and form.is_valid() and (done := self.taken(step, form)):
                self.log_change(request, row, done)
                messages.success(request, format_html("{}. {}", row, done))
                return HttpResponseRedirect(row_url(row))
        context = {
            **self.admin_site.each_context(request),
            "title": step.label,
            "subtitle": str(row),
            "opts": self.opts,
            "step": step,
            "original": row,
            "back": row_url(row),
            "obstacle": obstacle,
            "form": form,
            "adminform": form and AdminForm(form, [(None, {"fields": list(form.fields)})], {}),  # type: ignore[arg-type]
            "media": self.media + form.media if form else self.media,
        }
        return TemplateResponse(request, "admin/append_only/step.html", context)

    def hold(self, object_id: str) -> None:
        """Make a second click wait for the first, which it then finds taken."""
        key = self.opts.pk.to_python
        try:
            rows = self.model._default_manager.filter(pk=key(unquote(object_id)))
        except ValidationError:
            return
        list(rows.select_for_update().values_list("pk"))

    def taken(self, step: Step, form: forms.Form) -> str:
        """Take a step; where a rule refuses it, say so in the form and return nothing."""
        try:
            with transaction.atomic():
                return step.take(form)
        except ValidationError as error:
            say(form, error)
        except IntegrityError:
            logger.exception("The database refused a step")
            form.add_error(None, MEANWHILE)
        return ""


class RecordedElsewhereAdmin(AppendOnlyAdmin):
    """Rows that belong to another one, on whose page they are recorded: here they are found, and text is taken out."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It is recorded on the page of what it belongs to."""
        return False


def step_url(row: models.Model, name: str) -> str:
    """Return the address of a step."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[quote(row.pk)])


def row_url(row: models.Model) -> str:
    """Return the address of a row's page among staff's."""
    return step_url(row, "change")


def link(row: models.Model | None, text: object = None) -> SafeString | str:
    """Return a link to a row's page among staff's."""
    return format_html('<a href="{}">{}</a>', row_url(row), text or row) if row else ""


def day(moment: datetime) -> str:
    """Return the day of a moment."""
    return f"{timezone.localtime(moment):%-d %B %Y}"


def chain(row: Reversible) -> str:
    """Say what a row takes back, or what has taken it back."""
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return format_html(
            "This is a reversal, recorded on {} by {}: it takes back {}. Reason: {}",
            day(row.recorded_at), row.recorded_by or "nobody", link(row.reverses), row.reason,
        )  # fmt: skip
    if not row.is_reversed:
        return ""
    back = row.reversed_by  # type: ignore[attr-defined]
    return format_html(
        "Reversed on {} by {}: {}. Reason: {}",
        day(back.recorded_at), back.recorded_by or "nobody", link(back, "see the reversal"), back.reason,
    )  # fmt: skip


def standing(row: Reversible) -> str:
    """Return in a word or two whether a row counts."""
    if row.reverses_id is not None:  # type: ignore[attr-defined]
        return "Reversal"
    return "Reversed" if row.is_reversed else "Stands"


class StandingFilter(admin.SimpleListFilter):
    """Whether rows count."""

    title = "whether it stands"
    parameter_name = "standing"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Stands"), ("reversed", "Reversed"), ("reversal", "Reversals")]

    def queryset(self, request: Any, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Apply the choice."""
        conditions: dict[str | None, dict[str, Any]] = {
            "yes": {"reverses": None, "reversed_by": None},
            "reversed": {"reversed_by__isnull": False},
            "reversal": {"reverses__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value(), {}))
