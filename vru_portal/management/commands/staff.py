"""`manage.py staff`: staff accounts, managed on the portal's own machine.

It makes the first account, and gives access back where no Administrator can.
"""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from vru_portal.accounts import first_password, roles, second_factor, totp_secrets
from vru_portal.accounts.second_factor import FACTORS


class Command(BaseCommand):
    """Add an account, reset one, list them, or make a new key for second factors."""

    help = "Staff accounts: add one with roles, reset one whose owner lost the password or second factor, or list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="create an account and print its first password")
        add.add_argument("name")
        add.add_argument("--role", action="append", default=[], metavar="ROLE", help=", ".join(roles.ROLES_BY_NAME))
        reset = actions.add_parser("reset", help="remove second factors, end sessions, print a new password")
        reset.add_argument("name")
        actions.add_parser("list", help="print accounts with their roles")
        actions.add_parser("rotate-key", help="encrypt second factors with a new key")

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            match action:
                case "add":
                    self.add(options["name"], options["role"])
                case "reset":
                    self.reset(options["name"])
                case "rotate-key":
                    self.rotate_key()
                case _:
                    self.show()
        except DatabaseError as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise CommandError(f"The database cannot be used: {reason}. Run manage.py migrate first.") from error

    @transaction.atomic
    def add(self, name: str, role: list[str]) -> None:
        problems = []
        if unknown := [given for given in role if given not in roles.ROLES_BY_NAME]:
            names = ", ".join(f"“{given}”" for given in unknown)
            problems.append(f"There is no role {names}. Choose from: {', '.join(roles.ROLES_BY_NAME)}.")
        if not role:
            problems.append(f"Give the account a role, such as --role {roles.ADMINISTRATOR}.")
        user = get_user_model()(username=name, is_staff=True)
        if users().filter(username__iexact=name).exists():
            problems.append(f"The account “{name}” already exists. To reset it: manage.py staff reset {name}")
        else:
            try:
                user.full_clean(exclude=["password"])
            except ValidationError as error:
                problems += error.messages
        if problems:
            raise CommandError("\n".join(problems))
        password = new_password(user)
        user.groups.set(Group.objects.filter(name__in=role))
        self.stdout.write(f"Created the account {name}: {', '.join(role)}.")
        self.print_password(password)

    @transaction.atomic
    def reset(self, name: str) -> None:
        """Give an account back to an owner who has lost access to it."""
        user = users().filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account “{name}”. To list all accounts: manage.py staff list")
        second_factor.reset(user)
        password = new_password(user)
        self.stdout.write(f"Removed the second factors of {name} and ended its sessions.")
        if not user.is_active:
            self.stdout.write("The account is deactivated. An Administrator can activate it on its page.")
        self.print_password(password)

    def rotate_key(self) -> None:
        """Encrypt second factors with a new key, and name the accounts whose second factor cannot be read any more."""
        count = totp_secrets.rotate_key()
        self.stdout.write(
            f"Encrypted {count} secrets of second factors with a new key. Back up {totp_secrets.keys_file()}."
        )
        for name in totp_secrets.unreadable_accounts():
            self.stdout.write(f"The second factor of {name} cannot be read. Reset it: manage.py staff reset {name}")

    def show(self) -> None:
        for user in users().prefetch_related("groups", "authenticator_set").order_by("username"):
            names = [*(["all rights"] if user.is_superuser else []), *sorted(g.name for g in user.groups.all())]
            factor = "" if any(row.type in FACTORS for row in user.authenticator_set.all()) else ", no second factor"
            state = "" if user.is_active else ", deactivated"
            self.stdout.write(f"{user.get_username()}: {', '.join(names) or 'no role'}{factor}{state}")

    def print_password(self, password: str) -> None:
        self.stdout.write(f"Password: {password}")
        self.stdout.write("It is shown only once. The person who first signs in with it must choose a new one.")


def users() -> Any:
    return get_user_model()._default_manager.all()


def new_password(user: Any) -> str:
    """Set and return a random password of 96 bits."""
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    validate_password(password, user)
    user.set_password(password)
    user.save()
    first_password.require_another(user)
    return password
