import gc
import os

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.contrib.staticfiles import apps as staticfiles_apps
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules
from django_smart_ratelimit.apps import DjangoSmartRatelimitConfig

# Django imports this module before any models. Whatever is imported from here on lives as long as the process. The
# garbage collector would go through it again and again: two fifths of the time of a command that does nothing else,
# and time of every page later. `LimitsConfig`, the last app, switches it on again.
gc.disable()


class PortalConfig(AppConfig):
    """What all apps share, and the pages that draw on several of them."""

    name = "vru_portal"
    verbose_name = "Pending changes and imports"
    default = True  # of those here; without it Django would use none, and install no trigger

    def ready(self) -> None:
        """Have every migration install the triggers of append-only rows and the roles of staff."""
        from allauth.account.signals import password_changed
        from allauth.mfa.signals import authenticator_added
        from django.contrib.auth.signals import user_logged_in
        from django_tasks.signals import task_enqueued, task_finished

        from vru_portal import checks as portal_checks
        from vru_portal.accounts import first_password, roles, second_factor
        from vru_portal.ledger import content_version
        from vru_portal.ledger.append_only.database import (
            install_triggers_after_migration,
            remove_triggers_before_migration,
        )
        from vru_portal.operations.monitoring import jobs
        from vru_portal.staff.records import (  # noqa: F401 - registers what is in no app's admin.py
            pending_change_list,
            submission_list,
        )
        from vru_portal.table_creation import check_replaced
        from vru_portal.text import folded_search

        folded_search.install()
        checks.register(check_replaced, checks.Tags.database)
        checks.register(portal_checks.check_trusted_proxies, portal_checks.TAG)
        autodiscover_modules("resources")  # they register how each model's records are named in files
        # Django sends these signals once for each app that has tables; listening to one app's is enough.
        pre_migrate.connect(remove_triggers_before_migration, sender=apps.get_app_config("partners"))
        post_migrate.connect(install_triggers_after_migration, sender=apps.get_app_config("partners"))
        pre_migrate.connect(content_version.remove, sender=apps.get_app_config("partners"))
        post_migrate.connect(content_version.install, sender=apps.get_app_config("partners"))
        # Roles need the permissions of every app: those are created app by app, so wait for the last.
        last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
        post_migrate.connect(roles.install_roles, sender=last)
        authenticator_added.connect(second_factor.record_new_factor_as_used)
        user_logged_in.connect(first_password.note_in_session)
        password_changed.connect(first_password.note_change)
        task_enqueued.connect(jobs.log_queued)
        task_finished.connect(jobs.log_ended)
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # a process of `serve`; others count nothing
            from vru_portal import metrics

            metrics.time_locks()


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with the portal's own site and sign-in (vru_portal/staff/site.py)."""

    default = False  # settings name it explicitly
    default_site = "vru_portal.staff.site.StaffSite"

    def ready(self) -> None:
        """Register the portal's own pages for accounts; remove library pages that would show secrets."""
        super().ready()
        from allauth.account.models import EmailAddress
        from allauth.mfa.models import Authenticator
        from django_tasks_db.models import DBTaskResult

        hidden = (EmailAddress, Authenticator, DBTaskResult)
        admin.site.unregister([model for model in hidden if admin.site.is_registered(model)])
        apps.get_app_config("auth").verbose_name = "Accounts and roles"
        from vru_portal.staff import users  # noqa: F401 - registers accounts, roles and the log


class StaticFilesConfig(staticfiles_apps.StaticFilesConfig):
    """Django's static files, without the admin's scripts in a form that pages refer to only while DEBUG is on.

    Compressing those few took longer than all other static files together.
    """

    ignore_patterns = [
        *staticfiles_apps.StaticFilesConfig.ignore_patterns,
        *(f"admin/js/vendor/{name}.js" for name in ("jquery/jquery", "select2/select2.full", "xregexp/xregexp")),
    ]


class LimitsConfig(DjangoSmartRatelimitConfig):
    """The tables that rate limits are counted in (vru_portal/web/limits.py)."""

    def ready(self) -> None:
        """Remove the library's admin pages: nearly all are about features that the portal does not use."""
        super().ready()
        admin.site.unregister([model for model in self.get_models() if admin.site.is_registered(model)])
        gc.freeze()  # what is imported by now is not looked at again
        gc.enable()
