"""Staff's pages with steps: a row's facts, tables below them, and pages that do one thing to it each."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal.admin import PortalAdmin
from vru_portal.opening import may_open

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
        except IntegrityError as error:  # its words may hold the whole row
            logger.error("The database refused what a form said: %s", type(error).__name__)
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
    removes: ClassVar[bool] = False  # whether there is no row afterwards

    def __init__(self, row: Any, by: Any) -> None:
        self.row, self.by = row, by

    @classmethod
    def allowed(cls, user: Any, opts: Any) -> bool:
        """Whether somebody may take it at all; ``opts`` are those of the table."""
        return bool(user.has_perm(cls.permission))

    def applies(self) -> bool:
        """Whether the row's page offers this at all."""
        return True

    def obstacle(self) -> str:
        """Why this cannot be done now, with the way out; empty where it can."""
        return ""

    def facts(self) -> list[tuple[str, str]]:
        """Return what has to be read first: headings, with texts."""
        return []

    def passage(self) -> tuple[str, SafeString] | None:
        """Return a heading with a longer text in HTML, to be read after the facts."""
        return None

    def form(self, **data: Any) -> forms.Form:
        """Return the form."""
        raise NotImplementedError

    def take(self, form: Any) -> str:
        """Do it, and return what was done as a sentence; raises ValidationError where a rule refuses it."""
        raise NotImplementedError


class StepAdmin(PortalAdmin):
    """A table to whose rows staff do one thing at a time, each on a page of its own."""

    change_form_template = "admin/append_only/change_form.html"
    steps: tuple[type[Step], ...] = ()

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/staff.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may record a row or do something to one can look at it."""
        return (
            super().has_view_permission(request, obj)
            or self.has_add_permission(request)
            or any(step.allowed(request.user, self.opts) for step in self.steps)
        )

    # What a row's page shows -----------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return the tables below the facts of a row; those below the form, where there is no row yet."""
        return []

    def notice_before(self, request: HttpRequest) -> str:
        """Return a sentence above the form that records, if there is something to say."""
        return ""

    def notice(self, request: HttpRequest, row: Any) -> str:
        """Return a sentence above the facts, if there is something to say."""
        return ""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add what can be done to the row, and the tables below it."""
        row = kwargs.get("obj")
        context |= {
            "tools": self.tools(request, row) if row else [],
            "notice": self.notice(request, row) if row else self.notice_before(request),
            "sections": self.sections(request, row),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def tools(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        """Return the label and the address of each step that this person may take."""
        offered = [step for step in self.steps if step.allowed(request.user, self.opts)]
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
        if not step_class.allowed(request.user, self.opts):
            raise PermissionDenied
        taking = request.method == "POST"
        with transaction.atomic() if taking else nullcontext():  # whoever only reads takes no lock
            if taking:
                self.hold(object_id)
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            step = step_class(row, request.user)
            obstacle = step.obstacle()
            form = None if obstacle else step.form(**({"data": request.POST} if taking else {}))
            if form and form.is_bound and form.is_valid() and (done := self.taken(step, form)):
                self.log_change(request, row, done)
                messages.success(request, format_html("{}. {}", row, done))
                return HttpResponseRedirect(list_url(row) if step.removes else row_url(row))
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
        except IntegrityError as error:
            logger.error("The database refused a step: %s", type(error).__name__)
            form.add_error(None, MEANWHILE)
        except ImproperlyConfigured as error:  # the register cannot be appended to, say
            form.add_error(None, str(error))
        return ""


class RecordedAdmin(StepAdmin):
    """A table whose rows are recorded by a form with a rule behind it, and then changed by steps alone."""

    actions: Any = None
    save_on_top = False
    record_form: ClassVar[type[RecordForm]]
    record_fieldsets: ClassVar[Sequence[Any]] = ()  # of the form; `fieldsets` are those of the facts

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed: a correction is a step."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is removed."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form that records; facts need none of their own."""
        if obj is None:
            kwargs.setdefault("form", self.record_form)
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the form, or the facts."""
        return self.record_fieldsets if obj is None else super().get_fieldsets(request, obj)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What belongs to a row is recorded after it."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form has recorded it (see `RecordForm`)."""


def step_url(row: models.Model, name: str) -> str:
    """Return the address of a step."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[quote(row.pk)])


def row_url(row: models.Model) -> str:
    """Return the address of a row's page among staff's."""
    return step_url(row, "change")


def list_url(row: models.Model) -> str:
    """Return the address of the list that a row is in."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")


def link(row: models.Model | None, text: object = None) -> SafeString | str:
    """Return a link to a row's page among staff's, or its name where whoever reads may not open it."""
    if row is None:
        return ""
    return format_html('<a href="{}">{}</a>', row_url(row), text or row) if may_open(type(row)) else str(text or row)


def day(moment: datetime) -> str:
    """Return the day of a moment."""
    return f"{timezone.localtime(moment):%-d %B %Y}"
