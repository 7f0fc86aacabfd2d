"""`manage.py staff`: accounts, from the machine that the portal runs on: the first one, and help where nobody can."""

import secrets
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from vru_portal import roles
from vru_portal.second_factor import FACTORS
from vru_portal.sessions import end_sessions


class Command(BaseCommand):
    """Add an account, reset one, or list them."""

    help = "Accounts of staff: add one with roles, reset one whose owner has lost password or telephone, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do."""
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="make an account and print its first password")
        add.add_argument("name")
        add.add_argument("--role", action="append", default=[], metavar="ROLE", help=", ".join(roles.BY_NAME))
        reset = actions.add_parser("reset", help="remove second factors, end sessions, print a new password")
        reset.add_argument("name")
        actions.add_parser("list", help="print accounts with their roles")

    def handle(self, *, action: str, **options: Any) -> None:
        """Do it."""
        try:
            match action:
                case "add":
                    self.add(options["name"], options["role"])
                case "reset":
                    self.reset(options["name"])
                case _:
                    self.show()
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"The database cannot be used: {reason} Run manage.py migrate first.") from error

    @transaction.atomic
    def add(self, name: str, role: list[str]) -> None:
        """Make an account."""
        if unknown := [given for given in role if given not in roles.BY_NAME]:
            raise CommandError(f"There is no role “{unknown[0]}”. The roles are: {', '.join(roles.BY_NAME)}.")
        if not role:
            raise CommandError(f"Say what it may do, such as --role {roles.ADMINISTRATOR}.")
        if users().filter(username__iexact=name).exists():
            raise CommandError(f"There is an account “{name}” already. To help its owner: manage.py staff reset {name}")
        user = get_user_model()(username=name, is_staff=True)
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        password = new_password(user)
        user.groups.set(Group.objects.filter(name__in=role))
        self.stdout.write(f"Made the account {name}: {', '.join(role)}.")
        self.tell(password)

    @transaction.atomic
    def reset(self, name: str) -> None:
        """Give an account back to its owner."""
        user = users().filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account “{name}”. See them all: manage.py staff list")
        Authenticator.objects.filter(user=user).delete()
        end_sessions(user)
        password = new_password(user)
        self.stdout.write(f"Removed the second factors of {name} and ended its sessions.")
        if not user.is_active:
            self.stdout.write("The account is deactivated: an Administrator activates it on its page.")
        self.tell(password)

    def show(self) -> None:
        """Print the accounts."""
        for user in users().prefetch_related("groups", "authenticator_set").order_by("username"):
            names = [*(["all rights"] if user.is_superuser else []), *sorted(g.name for g in user.groups.all())]
            factor = "" if any(row.type in FACTORS for row in user.authenticator_set.all()) else ", no second factor"
            state = "" if user.is_active else ", deactivated"
            self.stdout.write(f"{user.get_username()}: {', '.join(names) or 'no role'}{factor}{state}")

    def tell(self, password: str) -> None:
        """Print a password, once."""
        self.stdout.write(f"Password: {password}")
        self.stdout.write("It is shown once. Sign in with it, then change it under “Change password”.")


def users() -> Any:
    """Return all accounts."""
    return get_user_model()._default_manager.all()


def new_password(user: Any) -> str:
    """Give an account a password that nobody can guess; return it."""
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    validate_password(password, user)
    user.set_password(password)
    user.save()
    return password
