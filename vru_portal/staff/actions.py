"""Actions: what staff do to a single row, each on a page of its own that explains it, shows facts and has a form.

Rows that are never edited freely (payments, signatures, published records) are changed only through such actions, each
with a rule behind it. Not to be confused with Django's `ModelAdmin.actions`, which act on rows ticked in a list.
"""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal.permissions import has_model_permission
from vru_portal.staff.admin_links import action_url, change_url, changelist_url
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.text.problems import Problems

logger = logging.getLogger(__name__)

CONCURRENT_WRITE = (
    "The database refused this. Somebody may have recorded the same thing at the same time. Check the list before you "
    "send it again."
)


@dataclass(frozen=True)
class Section:
    """A table on a row's page, below its facts."""

    title: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    empty: str = ""  # shown instead of a table without rows
    note: str = ""
    figures: frozenset[int] = field(default_factory=frozenset)  # the columns to align as numbers


def add_validation_error(form: forms.BaseForm, error: ValidationError) -> None:
    """Show a rule's errors at the fields they name. Errors about fields that the form does not have go to the top."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, sentences in error.message_dict.items():
        form.add_error(name if name in form.fields else None, sentences)


class RecordingForm(forms.ModelForm[Any]):
    """A form that records its row while it is validated, through the rule for such rows.

    So whatever refuses the row, the rule or the database, is shown as an error of the form, with all input still there.
    """

    by: Any = None  # the user who fills it in; the admin sets it

    def record(self) -> None:
        """Record the instance through its rule; raises ValidationError."""
        raise NotImplementedError

    def find_other_problems(self, problems: Problems) -> None:
        """Add what the rule would refuse besides the errors of fields, so that those do not hide it."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            problems = Problems()
            self.find_other_problems(problems)
            others = {name: found for name, found in problems.items() if name not in self.errors}
            add_validation_error(self, ValidationError(others))
            return
        try:
            with transaction.atomic():
                self.record()
        except ValidationError as error:
            add_validation_error(self, error)
        except IntegrityError as error:
            # Only the type is logged: the database's message may quote the whole row, personal data included.
            logger.error("The database refused a form: %s", type(error).__name__)
            self.add_error(None, CONCURRENT_WRITE)

    def save(self, commit: bool = True) -> Any:
        return super().save(commit=False)  # `record` has saved it


class Action:
    """One thing that staff can do to a row."""

    name: ClassVar[str]  # the last part of the page's address
    label: ClassVar[str]
    permission: ClassVar[str]  # such as "funding.add_payment"; "add" or "change" alone is that of the row's own model
    explanation: ClassVar[str]
    removes: ClassVar[bool] = False  # whether the row is gone afterwards
    form_class: ClassVar[type[forms.Form]] = forms.Form  # without fields, its page only asks for confirmation
    confirmation: ClassVar[str] = ""  # what somebody has to tick before

    def __init__(self, row: Any, by: Any) -> None:
        self.row, self.by = row, by

    @classmethod
    def allowed(cls, user: Any, opts: Any) -> bool:
        """Whether the user may do this to any row at all. ``opts`` is the model's `_meta`."""
        if "." in cls.permission:
            return bool(user.has_perm(cls.permission))
        return has_model_permission(user, cls.permission, opts.model)

    def applies(self) -> bool:
        """Whether the row's page offers this action."""
        return True

    def blocked_reason(self) -> str:
        """Why it cannot be done now, and what to do about that; empty if it can."""
        return ""

    def facts(self) -> list[tuple[str, str]]:
        """What to read before deciding: headings with texts."""
        return []

    def passage(self) -> tuple[str, SafeString] | None:
        """A heading with a longer HTML text, shown after the facts."""
        return None

    def form(self, **data: Any) -> forms.Form:
        form = self.form_class(**data)
        if self.confirmation:
            form.fields["confirmed"] = forms.BooleanField(label=self.confirmation)
        return form

    def link_after(self) -> SafeString | str:
        """A link to where the effect can be seen, after the message that says what was done."""
        return ""

    def perform(self, form: Any) -> str:
        """Do it, and return what was done, for the log and as a message. Raises ValidationError if a rule refuses."""
        raise NotImplementedError


class ActionAdmin(PortalAdmin):
    """An admin with a page for each action on a row."""

    change_form_template = "admin/append_only/change_form.html"
    row_actions: tuple[type[Action], ...] = ()

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/staff.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also for anyone who may add rows, or do something to one."""
        return (
            super().has_view_permission(request, obj)
            or self.has_add_permission(request)
            or any(action.allowed(request.user, self.opts) for action in self.row_actions)
        )

    # A row's page -----------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """The tables below the facts of a row; ``row`` is None on the page that adds one."""
        return []

    def notice_before(self, request: HttpRequest) -> str:
        """A sentence above the form that adds a row."""
        return ""

    def notice(self, request: HttpRequest, row: Any) -> str:
        """A sentence above the facts of a row."""
        return ""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        context |= {
            "tools": self.tools(request, row) if row else [],
            "notice": self.notice(request, row) if row else self.notice_before(request),
            "sections": self.sections(request, row),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def tools(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        """The label and address of each action that this user may perform on the row."""
        allowed = [action(row, request.user) for action in self.row_actions if action.allowed(request.user, self.opts)]
        return [(action.label, action_url(row, action.name)) for action in allowed if action.applies()]

    # The actions' pages -----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        info = (self.opts.app_label, self.opts.model_name)
        return [
            path(
                f"<path:object_id>/{action.name}/",
                self.admin_site.admin_view(partial(self.action_view, action_class=action)),
                name="{}_{}_{}".format(*info, action.name),
            )
            for action in self.row_actions
        ] + super().get_urls()

    def action_view(self, request: HttpRequest, object_id: str, action_class: type[Action]) -> HttpResponse:
        if not action_class.allowed(request.user, self.opts):
            raise PermissionDenied
        sent = request.method == "POST"
        with transaction.atomic() if sent else nullcontext():  # a page that is only read takes no lock
            if sent:
                self.lock_row(object_id)
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            action = action_class(row, request.user)
            blocked_reason = action.blocked_reason()
            form = None if blocked_reason else action.form(**({"data": request.POST} if sent else {}))
            if form and form.is_bound and form.is_valid() and (done := self.try_to_perform(action, form)):
                self.log_change(request, row, done)
                messages.success(request, format_html("{}. {}{}", row, done, action.link_after()))
                return HttpResponseRedirect(changelist_url(type(row)) if action.removes else change_url(row))
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "subtitle": str(row),
            "opts": self.opts,
            "action": action,
            "original": row,
            "back": change_url(row),
            "blocked_reason": blocked_reason,
            "form": form,
            "adminform": form and AdminForm(form, [(None, {"fields": list(form.fields)})], {}),  # type: ignore[arg-type]
            "media": self.media + form.media if form else self.media,
        }
        return TemplateResponse(request, "admin/append_only/action.html", context)

    def lock_row(self, object_id: str) -> None:
        """Make a second click wait for the first. It then finds that the action is done already."""
        try:
            pk = self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            return
        list(self.model._default_manager.filter(pk=pk).select_for_update().values_list("pk"))

    def try_to_perform(self, action: Action, form: forms.Form) -> str:
        """Perform the action and return what was done; if it is refused, add the errors to the form and return ""."""
        try:
            with transaction.atomic():
                return action.perform(form)
        except ValidationError as error:
            add_validation_error(form, error)
        except IntegrityError as error:
            logger.error("The database refused an action: %s", type(error).__name__)
            form.add_error(None, CONCURRENT_WRITE)
        except ImproperlyConfigured as error:  # such as a register without its signing key
            form.add_error(None, str(error))
        return ""


class WriteOnceAdmin(ActionAdmin):
    """An admin whose rows are recorded once, by a `RecordingForm`, and changed only by actions."""

    actions: Any = None
    save_on_top = False
    record_form: ClassVar[type[RecordingForm]]
    record_fieldsets: ClassVar[Sequence[Any]] = ()  # those of the form; `fieldsets` are those of the recorded facts

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs.setdefault("form", self.record_form)
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.record_fieldsets if obj is None else super().get_fieldsets(request, obj)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Rows that belong to this one are recorded after it."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form has recorded the row (see `RecordingForm`)."""
