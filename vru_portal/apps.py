from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules
from django_smart_ratelimit.apps import DjangoSmartRatelimitConfig


class PortalConfig(AppConfig):
    """What all apps share, and the pages that draw on several of them."""

    name = "vru_portal"
    verbose_name = "Changes and files that wait"
    default = True  # of the several here: without it Django takes none of them, and no guard is ever put in place

    def ready(self) -> None:
        """Keep the guards of append-only rows, and the roles of staff, through every migration."""
        from allauth.mfa.signals import authenticator_added

        from vru_portal import (
            pending_admin,  # noqa: F401 - registers what is in no app's admin.py
            roles,
            second_factor,
        )
        from vru_portal.append_only import make_way, put_back
        from vru_portal.table_creation import check_replaced

        checks.register(check_replaced, checks.Tags.database)
        autodiscover_modules("resources")  # they say which field names a record in files
        # Sent once for each app that has tables, before the first and after the last migration: one of them is enough.
        pre_migrate.connect(make_way, sender=apps.get_app_config("partners"))
        post_migrate.connect(put_back, sender=apps.get_app_config("partners"))
        # After the last app, by when every permission is there.
        last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
        post_migrate.connect(roles.put_in_place, sender=last)
        authenticator_added.connect(second_factor.note_new_one)


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with a door of its own (vru_portal/staff_site.py)."""

    default = False  # named in settings
    default_site = "vru_portal.staff_site.StaffSite"

    def ready(self) -> None:
        """Put pages of our own in the place of those for accounts; take away those that would show secrets."""
        super().ready()
        from allauth.account.models import EmailAddress
        from allauth.mfa.models import Authenticator
        from django_tasks_db.models import DBTaskResult

        hidden = (EmailAddress, Authenticator, DBTaskResult)
        admin.site.unregister([model for model in hidden if admin.site.is_registered(model)])
        apps.get_app_config("auth").verbose_name = "Accounts and roles"
        from vru_portal import user_admin  # noqa: F401 - registers accounts, roles and the log


class LimitsConfig(DjangoSmartRatelimitConfig):
    """The tables that limits are counted in (events/declarations/limits.py)."""

    def ready(self) -> None:
        """Take its pages out of the admin: all but one are of parts that the portal does not use."""
        super().ready()
        admin.site.unregister([model for model in self.get_models() if admin.site.is_registered(model)])
