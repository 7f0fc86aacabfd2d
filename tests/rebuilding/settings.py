"""The portal's settings, with two more migrations of funding: they rebuild tables that have triggers."""

from vru_portal.settings import *  # noqa: F403, TID251 - these settings are those, and one more

MIGRATION_MODULES = {"funding": "tests.rebuilding.migrations"}
