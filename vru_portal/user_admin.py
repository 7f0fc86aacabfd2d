"""Accounts of staff, their roles, and the log of what staff did."""

from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html

from vru_portal import roles
from vru_portal.admin import OnlySeenAdmin
from vru_portal.append_only_admin import ReasonForm
from vru_portal.opening import kind_in_words, may_open
from vru_portal.second_factor import FACTORS
from vru_portal.sessions import end_sessions
from vru_portal.step_admin import Step, StepAdmin

STEPS_OF_RESET = (
    "The second factor and the recovery codes of this account are removed, and its sessions end. At the next sign-in "
    "its owner sets up a new one. Be sure whom you do this for: see them or call them back, an email is not enough."
)


class RolesField(forms.ModelMultipleChoiceField[Group]):
    """Roles, each with what it may."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Group.objects.filter(name__in=roles.BY_NAME),
            label="Roles",
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text="Somebody may have several: they add up. Without any, an account can sign in and do nothing.",
            **options,
        )

    def label_from_instance(self, obj: Group) -> str:
        """Say what the role may."""
        return f"{obj.name}: {roles.BY_NAME[obj.name].sentence}"


class AccountForm(UserChangeForm[User]):
    """An account. Nobody shuts out themselves, or everybody."""

    password: Any = None  # what it shows, of the hash and its salt, is of use to nobody
    groups = RolesField()
    by: ClassVar[Any] = None  # who fills it in: set by the admin

    def clean(self) -> dict[str, Any] | None:
        """Refuse what would leave nobody who can give roles, and what somebody would do to themselves."""
        cleaned = super().clean() or {}
        if not cleaned.get("is_active", True) and self.instance.pk == self.by.pk:
            self.add_error("is_active", "You cannot deactivate your own account: another Administrator can.")
        stays = cleaned.get("is_active", True) and (
            self.instance.is_superuser or roles.ADMINISTRATOR in {group.name for group in cleaned.get("groups", ())}
        )
        others = roles.administrators().exclude(pk=self.instance.pk)
        if not stays and roles.administrators().filter(pk=self.instance.pk).exists() and not others.exists():
            sentence = "This is the last active Administrator: give somebody else the role first."
            self.add_error("groups" if cleaned.get("is_active", True) else "is_active", sentence)
        return cleaned


class NewAccountForm(AdminUserCreationForm[User]):
    """An account with its first password."""

    groups = RolesField()

    def save(self, commit: bool = True) -> Any:
        """Make it one of staff: there are no others."""
        self.instance.is_staff = True
        return super().save(commit)


class ResetStep(Step):
    """Take the second factor of an account away, for somebody who has lost it."""

    name = "reset"
    label = "Reset second factor"
    permission = "auth.change_user"
    explanation = STEPS_OF_RESET

    def applies(self) -> bool:
        """Whether there is one; a superuser's is reset by another."""
        return self.may() and Authenticator.objects.filter(user=self.row).exists()

    def may(self) -> bool:
        """Who is no superuser does nothing to one."""
        return bool(self.by.is_superuser or not self.row.is_superuser)

    def obstacle(self) -> str:
        """Say why not."""
        if not self.may():
            return "This account may do everything: only another one like it resets its second factor."
        if self.row.pk == self.by.pk:
            return "This is your own account: change your second factor under “Second factor” at the top of the page."
        return "" if self.applies() else "This account has no second factor: it is asked to set one up at sign-in."

    def form(self, **data: Any) -> forms.Form:
        """Ask for the reason."""
        form = ReasonForm(**data)
        form.fields["reason"].help_text = "Kept in the log, such as: telephone lost, identity checked in person."
        return form

    def take(self, form: Any) -> str:
        """Remove it, and end the sessions that it has opened."""
        reset(self.row)
        return f"Second factor reset. Reason: {form.cleaned_data['reason']}"


def reset(user: Any) -> None:
    """Remove all second factors of an account, and end its sessions."""
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user)


class AccountAdmin(StepAdmin, DjangoUserAdmin[User]):
    """Accounts: made here, given roles, deactivated, never deleted."""

    form = AccountForm
    add_form = NewAccountForm
    actions: Any = None
    steps = (ResetStep,)
    list_display = ("username", "first_name", "last_name", "roles", "second_factor", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ()
    readonly_fields = ("set_password", "second_factor", "last_login", "date_joined")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "set_password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What the account may do", {"fields": ("is_active", "groups")}),
        ("Sign-in", {"fields": ("second_factor", "last_login", "date_joined")}),
    )
    add_fieldsets: Any = (
        (
            None,
            {
                "fields": ("username", "password1", "password2"),
                "description": "Tell the person this password yourself. They change it after they have signed in.",
            },
        ),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What the account may do", {"fields": ("groups",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Fetch roles and second factors with the accounts."""
        return super().get_queryset(request).prefetch_related("groups", "authenticator_set")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer another password to whoever may give one."""
        sets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return sets
        return [(None, {"fields": ("username",)}), *sets[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Say in the form who fills it in, and why accounts are not deleted."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        if "is_active" in form.base_fields:
            form.base_fields["is_active"].help_text = (
                "Untick this when somebody leaves: they are signed out at once. Accounts are never deleted, so that "
                "history and log keep their names."
            )
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who is no superuser does not touch one."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes an account; the database refuses it, too."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Sign out at once who may not enter any more."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            end_sessions(obj)

    @admin.display(description="password")
    def set_password(self, user: Any) -> str:
        """Whether it has one, and where it is given another."""
        known = "Set" if user.has_usable_password() else "None yet"
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{}. <a href="{}">Set a new one</a>', known, address)

    @admin.display(description="roles")
    def roles(self, user: Any) -> str:
        """Its roles; a superuser has all rights."""
        names = sorted(group.name for group in user.groups.all())
        return ", ".join((["All rights"] if user.is_superuser else []) + names) or "None"

    @admin.display(description="second factor")
    def second_factor(self, user: Any) -> str:
        """Whether it has one."""
        kinds = sorted(row.get_type_display() for row in user.authenticator_set.all() if row.type in FACTORS)
        return ", ".join(kinds) or "Not set up yet"


class RoleAdmin(OnlySeenAdmin):
    """Roles: what each may is decided by the portal itself (roles.py)."""

    list_display = ("name", "sentence")
    fields = readonly_fields = ("name", "sentence", "may", "accounts")
    search_fields = ("name",)

    @admin.display(description="what it is for")
    def sentence(self, group: Group) -> str:
        """What it is for."""
        return roles.BY_NAME[group.name].sentence if group.name in roles.BY_NAME else "Not a role of the portal."

    @admin.display(description="what it may")
    def may(self, group: Group) -> str:
        """Each permission, in words."""
        return "; ".join(row.name for row in group.permissions.select_related("content_type"))

    @admin.display(description="who has it")
    def accounts(self, group: Group) -> str:
        """The accounts that have it."""
        return ", ".join(user.get_username() for user in group.user_set.all()) or "Nobody"


class LogAdmin(OnlySeenAdmin):
    """Who did what, in the admin: read, never written."""

    list_display = ("at", "user", "kind", "record", "what")
    list_display_links = None
    list_filter = ("action_flag", "content_type", "user")
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    search_fields = ("object_repr", "change_message", "user__username")

    @admin.display(description="when", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        """The minute."""
        return formats.date_format(timezone.localtime(entry.action_time), "j F Y, H:i")

    @admin.display(description="kind of record", ordering="content_type")
    def kind(self, entry: LogEntry) -> str:
        """What people call such a record."""
        return kind_in_words(entry.content_type) if entry.content_type else "-"

    @admin.display(description="record", ordering="object_repr")
    def record(self, entry: LogEntry) -> str:
        """What it was called then."""
        return entry.object_repr

    @admin.display(description="what was done")
    def what(self, entry: LogEntry) -> str:
        """In words, with a link to it for whoever may follow it."""
        model = entry.content_type and entry.content_type.model_class()
        address = entry.get_admin_url() if model and may_open(model) and entry.action_flag != DELETION else None
        words = entry.get_change_message() or entry.get_action_flag_display()
        return format_html('<a href="{}">{}</a>', address, words) if address else words


admin.site.unregister([User, Group])
admin.site.register(User, AccountAdmin)
admin.site.register(Group, RoleAdmin)
admin.site.register(LogEntry, LogAdmin)
