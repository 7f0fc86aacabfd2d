"""The admin of staff accounts, of their roles, and of the log of what staff did."""

from http import HTTPStatus
from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from vru_portal.accounts import first_password, roles, second_factor
from vru_portal.accounts.second_factor import FACTORS
from vru_portal.accounts.sessions import end_sessions
from vru_portal.staff.actions import Action, ActionAdmin
from vru_portal.staff.admin_links import model_label, reader_can_view
from vru_portal.staff.base_admin import ReadOnlyAdmin
from vru_portal.staff.help import help_link
from vru_portal.staff.ledger_admin import ReasonForm
from vru_portal.text.dates import format_datetime

RESET_EXPLANATION = (
    "This removes the account's second factor and recovery codes, and ends its sessions. Its owner sets up a new one "
    "when they next sign in. Check who is asking: see them in person or call them back. An email is not enough."
)


class RolesField(forms.ModelMultipleChoiceField[Group]):
    """Roles, each with what it allows."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Group.objects.filter(name__in=roles.ROLES_BY_NAME),
            label="Roles",
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text="An account can have several roles. Without a role, it can sign in but do nothing.",
            **options,
        )

    def label_from_instance(self, obj: Group) -> str:
        return f"{obj.name}: {roles.ROLES_BY_NAME[obj.name].sentence}"


class AccountForm(UserChangeForm[User]):
    """An account. Nobody can lock themselves out, or leave the portal without an Administrator."""

    password: Any = None  # Django's field shows parts of the hash, which helps nobody
    groups = RolesField()
    by: ClassVar[Any] = None  # the user who fills it in; the admin sets it

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not cleaned.get("is_active", True) and self.instance.pk == self.by.pk:
            self.add_error("is_active", "You cannot deactivate your own account. Ask another Administrator.")
        role_names = {group.name for group in cleaned.get("groups", ())}
        stays_administrator = cleaned.get("is_active", True) and (
            self.instance.is_superuser or roles.ADMINISTRATOR in role_names
        )
        others = roles.administrators().exclude(pk=self.instance.pk)
        is_administrator = roles.administrators().filter(pk=self.instance.pk).exists()
        if is_administrator and not stays_administrator and not others.exists():
            sentence = "This is the last active Administrator. Give somebody else the role first."
            self.add_error("groups" if cleaned.get("is_active", True) else "is_active", sentence)
        return cleaned


class NewAccountForm(AdminUserCreationForm[User]):
    """A new account, with its first password."""

    groups = RolesField()

    def save(self, commit: bool = True) -> Any:
        self.instance.is_staff = True  # there are no other accounts
        return super().save(commit)


class ResetSecondFactorAction(Action):
    """Remove an account's second factor, for somebody who has lost it."""

    name = "reset"
    label = "Reset second factor"
    permission = "auth.change_user"
    explanation = RESET_EXPLANATION

    def applies(self) -> bool:
        return self.is_permitted() and Authenticator.objects.filter(user=self.row).exists()

    def is_permitted(self) -> bool:
        """Only a superuser may reset a superuser's: otherwise an Administrator could take over such an account."""
        return bool(self.by.is_superuser or not self.row.is_superuser)

    def blocked_reason(self) -> str:
        if not self.is_permitted():
            return "This account has all rights. Only another account with all rights can reset its second factor."
        if self.row.pk == self.by.pk:
            return "This is your own account. Change your second factor under “Second factor” at the top of the page."
        return "" if self.applies() else "This account has no second factor. It will be asked to set one up at sign-in."

    def form(self, **data: Any) -> forms.Form:
        form = ReasonForm(**data)
        form.fields["reason"].help_text = "Kept in the log. For example: phone lost, identity checked in person."
        return form

    def perform(self, form: Any) -> str:
        second_factor.reset(self.row)
        return f"Second factor reset. Reason: {form.cleaned_data['reason']}"


class AccountAdmin(ActionAdmin, DjangoUserAdmin[User]):
    """Accounts: created, given roles and deactivated here, never deleted."""

    form = AccountForm
    add_form = NewAccountForm
    actions: Any = None
    row_actions = (ResetSecondFactorAction,)
    list_display = ("username", "first_name", "last_name", "roles", "second_factor", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ()
    readonly_fields = ("set_password", "second_factor", "last_login", "date_joined")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "set_password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What the account can do", {"description": help_link("roles"), "fields": ("is_active", "groups")}),
        ("Sign-in", {"fields": ("second_factor", "last_login", "date_joined")}),
    )
    add_fieldsets: Any = (
        (
            None,
            {
                "fields": ("username", "password1", "password2"),
                "description": "Tell the person this password yourself. They can change it once they have signed in.",
            },
        ),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What the account can do", {"fields": ("groups",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "authenticator_set")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return sets
        return [(None, {"fields": ("username",)}), *sets[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by = request.user
        if "is_active" in form.base_fields:
            form.base_fields["is_active"].help_text = (
                "Untick this when somebody leaves. They are signed out immediately. Accounts are never deleted, so "
                "that the history and the log keep their names."
            )
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a superuser may change a superuser."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may delete an account; the database refuses that, too."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            end_sessions(obj)  # a deactivated account is signed out at once
        if not change:
            first_password.require_another(obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if request.method != "POST":
            return super().user_change_password(request, id, form_url)
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if response.status_code == HTTPStatus.FOUND and id != str(request.user.pk):
                first_password.require_another(User.objects.get(pk=id))
        return response

    @admin.display(description="password")
    def set_password(self, user: Any) -> str:
        status = "Set" if user.has_usable_password() else "None yet"
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{}. <a href="{}">Set a new one</a>', status, address)

    @admin.display(description="roles")
    def roles(self, user: Any) -> str:
        names = sorted(group.name for group in user.groups.all())
        return ", ".join((["All rights"] if user.is_superuser else []) + names) or "None"

    @admin.display(description="second factor")
    def second_factor(self, user: Any) -> str:
        kinds = sorted(row.get_type_display() for row in user.authenticator_set.all() if row.type in FACTORS)
        return ", ".join(kinds) or "Not set up yet"


class RoleAdmin(ReadOnlyAdmin):
    """Roles. What each allows is part of the code (`accounts/roles.py`), so there is nothing to edit."""

    list_display = ("name", "sentence")
    fields = readonly_fields = ("name", "sentence", "permissions", "accounts")
    search_fields = ("name",)

    @admin.display(description="what it is for")
    def sentence(self, group: Group) -> str:
        role = roles.ROLES_BY_NAME.get(group.name)
        return role.sentence if role else "Not one of the portal's roles."

    @admin.display(description="what it allows")
    def permissions(self, group: Group) -> str:
        return "; ".join(row.name for row in group.permissions.select_related("content_type"))

    @admin.display(description="who has it")
    def accounts(self, group: Group) -> str:
        return ", ".join(user.get_username() for user in group.user_set.all()) or "Nobody"


class LogAdmin(ReadOnlyAdmin):
    """Who did what in the admin."""

    list_display = ("at", "user", "kind", "record", "what")
    list_display_links = None
    list_filter = ("action_flag", "content_type", "user")
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    search_fields = ("object_repr", "change_message", "user__username")

    @admin.display(description="when", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return format_datetime(entry.action_time)

    @admin.display(description="kind of record", ordering="content_type")
    def kind(self, entry: LogEntry) -> str:
        return model_label(entry.content_type) if entry.content_type else "-"

    @admin.display(description="record", ordering="object_repr")
    def record(self, entry: LogEntry) -> str:
        """Its name at the time."""
        return entry.object_repr

    @admin.display(description="what was done")
    def what(self, entry: LogEntry) -> str:
        """What was done, with a link to the record for those who may open it."""
        model = entry.content_type and entry.content_type.model_class()
        address = entry.get_admin_url() if model and reader_can_view(model) and entry.action_flag != DELETION else None
        text = entry.get_change_message() or entry.get_action_flag_display()
        return format_html('<a href="{}">{}</a>', address, text) if address else text


admin.site.unregister([User, Group])
admin.site.register(User, AccountAdmin)
admin.site.register(Group, RoleAdmin)
admin.site.register(LogEntry, LogAdmin)
