"""What the last part of a record's address may be, and what is proposed for a record of any name."""

import re
import unicodedata
from typing import Any, TypeVar

from anyascii import anyascii
from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from vru_portal.text.cleaning import APOSTROPHES, normalise_line

MAX_LENGTH = 80
RULE = "lower-case letters, numbers and hyphens"
VALID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)


def slug_of(text: str) -> str:
    """A text of any script in the letters that an address can have; empty if there are none for it."""
    plain = anyascii(unicodedata.normalize("NFKC", re.sub(f"['{APOSTROPHES}]", "", text))).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug if len(slug) <= MAX_LENGTH else slug[: MAX_LENGTH + 1].rpartition("-")[0] or slug[:MAX_LENGTH]


def proposed_slug(record: Any) -> str:
    """The slug for a record that has none yet: its name, or else its kind; with a number if that is taken."""
    kind = slug_of(str(record._meta.verbose_name))
    names = (getattr(record, field, None) for field in ("short_title", "name", "title"))
    base = slug_of(str(next(filter(None, names), ""))) or kind
    manager = type(record)._base_manager
    taken = set(manager.filter(slug__startswith=base[: MAX_LENGTH - 6]).values_list("slug", flat=True))
    number = 1 if base == kind else 2
    proposal = f"{kind}-1" if base == kind else base
    while proposal in taken:
        proposal = f"{base[: MAX_LENGTH - 6].rstrip('-')}-{number}"
        number += 1
    return proposal


def validate_slug(slug: str) -> None:
    """Refuse anything that would look different in an address, with what to write instead."""
    if not VALID.fullmatch(slug):
        proposal = slug_of(slug)
        raise ValidationError(f"Use only {RULE}{f', such as {proposal}' if proposal else ''}.")


class AddressInput(forms.SlugField):
    """A slug as it is typed. It may be empty: the record then gets the one that is proposed."""

    default_validators = [validate_slug]

    def to_python(self, value: Any) -> str:
        return normalise_line(super().to_python(value) or "")


class AddressField(models.SlugField[_ST, _GT]):
    """The last part of a record's address. For the database it is Django's own field."""

    default_validators = [validate_slug]

    def formfield(self, **options: Any) -> Any:
        help_text = f"{self.help_text} Leave it empty, and one is made from the name.".lstrip()
        return super().formfield(**{"form_class": AddressInput, "help_text": help_text, **options, "required": False})

    def deconstruct(self) -> Any:
        attribute, _, args, options = super().deconstruct()
        return attribute, "django.db.models.SlugField", args, options


class Addressed(models.Model):
    """A record whose address is proposed if none is given."""

    class Meta:
        abstract = True

    def full_clean(self, *args: Any, **options: Any) -> None:
        if not getattr(self, "slug", None):
            setattr(self, "slug", proposed_slug(self))  # noqa: B010 - the models declare the field
        super().full_clean(*args, **options)
