from django.apps import AppConfig, apps
from django.contrib import admin
from django.db.models.signals import post_migrate, pre_migrate
from django_smart_ratelimit.apps import DjangoSmartRatelimitConfig


class PortalConfig(AppConfig):
    """What all apps share, and the pages that draw on several of them."""

    name = "vru_portal"
    default = True  # of the several here: without it Django takes none of them, and no guard is ever put in place

    def ready(self) -> None:
        """Name the admin for what it is; keep the guards of append-only rows through every migration."""
        admin.site.site_header = admin.site.site_title = "VRU Portal: staff"
        admin.site.index_title = "Records"
        from vru_portal.append_only import make_way, put_back

        # Sent once for each app that has tables, before the first and after the last migration: one of them is enough.
        pre_migrate.connect(make_way, sender=apps.get_app_config("partners"))
        post_migrate.connect(put_back, sender=apps.get_app_config("partners"))


class LimitsConfig(DjangoSmartRatelimitConfig):
    """The tables that limits are counted in (events/declarations/limits.py)."""

    def ready(self) -> None:
        """Take its pages out of the admin: all but one are of parts that the portal does not use."""
        super().ready()
        admin.site.unregister([model for model in self.get_models() if admin.site.is_registered(model)])
