"""The register: a log that only grows, with a Merkle tree over it, so that anybody can see that it does only that."""

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse

from events.declarations import querysets
from events.declarations.choices import Kind
from events.declarations.models.invitations import SignatoryBody
from events.declarations.models.texts import DeclarationVersion
from vru_portal.append_only import DELETE, INSERT, TRUNCATE, UPDATE, AppendOnly, Guard

HEAD = "SELECT 1 FROM declarations_head WHERE id = 1"
ERASED_ONLY = "What an entry commits to cannot be changed, only erased."


class Head(models.Model):
    """The end of the log: one row, locked by whoever appends."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    origin = models.CharField(max_length=200, help_text="Its name in every checkpoint, frozen at the first entry.")
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.JSONField(default=list, help_text="Roots of the complete subtrees, largest first, as hex.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="declarations_head_is_one")]

    def __str__(self) -> str:
        return f"{self.origin}: {self.size} entries"


class Entry(AppendOnly):
    """An entry of the register. Its leaf says all of it; the columns repeat what is asked for.

    It names no member of staff and holds no free text: whatever stands here stays for good.
    """

    recorded_by = None
    redaction = None  # type: ignore[assignment]

    is_live: bool  # these three are set by `objects.with_status()`
    ended_by: str | None
    last_consent: str | None

    guards = (
        Guard(
            "in_order",
            INSERT,
            "NEW.seq <> 1 + COALESCE((SELECT h.size FROM declarations_head h WHERE h.id = 1), 0)",
            "The register has no gaps.",
            HEAD,
        ),
        Guard(
            "head_grows",
            UPDATE,
            "NEW.size < OLD.size OR (OLD.size > 0 AND NEW.origin <> OLD.origin) OR "
            "(OLD.size > 0 AND NEW.size = OLD.size AND NEW.frontier {differs} OLD.frontier) OR "
            "(NEW.size > OLD.size AND NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.seq = NEW.size))",
            "The register only grows, entry by entry.",
            table="declarations_head",
        ),
        Guard("head_stays", DELETE, "TRUE", "The register's head stays.", table="declarations_head"),
        Guard(
            "head_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_head h WHERE h.id = NEW.id)",
            "The register's head stays.",
            table="declarations_head",
        ),
        Guard(
            "personal_erased_only",
            UPDATE,
            "NEW.entry_id <> OLD.entry_id OR NEW.disclosed <> '' OR NEW.erased_at IS NULL",
            ERASED_ONLY,
            table="declarations_personalrecord",
        ),
        Guard("personal_stays", DELETE, "TRUE", ERASED_ONLY, table="declarations_personalrecord"),
        Guard(
            "personal_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_personalrecord p WHERE p.entry_id = NEW.entry_id)",
            ERASED_ONLY,
            table="declarations_personalrecord",
        ),
        Guard(
            "live_is_signed",
            INSERT,
            "NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.seq = NEW.entry_id AND e.kind = 'signed' "
            "AND e.body_id = NEW.body_id AND e.version_id = NEW.version_id) "
            "OR EXISTS (SELECT 1 FROM declarations_entry e WHERE e.of_id = NEW.entry_id "
            "AND e.kind IN ('withdrawn', 'superseded'))",
            "Only an entry makes a signature, and none that was ended.",
            table="declarations_livesignature",
        ),
        Guard(
            "live_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_livesignature l WHERE l.id = NEW.id OR l.entry_id = NEW.entry_id "
            "OR (l.body_id = NEW.body_id AND l.version_id = NEW.version_id))",
            "A signature is not changed.",
            table="declarations_livesignature",
        ),
        Guard("live_stays", UPDATE, "TRUE", "A signature is not changed.", table="declarations_livesignature"),
        Guard(
            "live_ends_by_entry",
            DELETE,
            "NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.of_id = OLD.entry_id "
            "AND e.kind IN ('withdrawn', 'superseded'))",
            "A signature ends only by an entry of the register.",
            table="declarations_livesignature",
        ),
        *(
            Guard(f"{name}_not_truncated", TRUNCATE, "TRUE", "The register only grows.", table=f"declarations_{table}")
            for name, table in (("head", "head"), ("personal", "personalrecord"), ("live", "livesignature"))
        ),
    )

    seq = models.PositiveBigIntegerField("number", primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="entries")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="entries")
    of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="followed_by")
    on_paper = models.BooleanField(default=False)
    leaf = models.TextField(help_text="Canonical JSON (RFC 8785): the bytes that the tree is made over.")
    leaf_hash = models.CharField(max_length=64)
    checkpoint = models.TextField(help_text="The signed note over the log up to and with this entry.")

    objects = querysets.EntryQuerySet.as_manager()

    class Meta:
        ordering = ["seq"]
        verbose_name_plural = "entries"
        permissions = [
            ("correct_entry", "Can correct what the register shows of a body"),
            ("erase_entry", "Can erase, and disclose, the personal data of a signature"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="declarations_entry_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=Kind.SIGNED, of=None) | ~Q(kind=Kind.SIGNED) & Q(of__isnull=False),
                name="declarations_entry_follows_a_signature",
            ),
        ]

    def __str__(self) -> str:
        return f"Entry {self.seq}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("declarations:entry", args=[self.seq])

    @cached_property
    def said(self) -> dict[str, Any]:
        """What its leaf says."""
        said: dict[str, Any] = json.loads(self.leaf)
        return said

    @property
    def status(self) -> str:
        """How a signature stands, or what a later entry did, in words. Asks for the annotations of `with_status`."""
        if self.kind != Kind.SIGNED:
            return self.get_kind_display()
        if self.is_live:
            return "Signed on paper" if self.on_paper else "Signed"
        return str(Kind(self.ended_by or Kind.SIGNED).label)

    @property
    def name_is_public(self) -> bool:
        """Whether the signatory agrees to be named in public. Asks for the annotations of `with_status`."""
        return bool(json.loads(self.last_consent or self.leaf)["name_is_public"])

    @property
    def shown(self) -> dict[str, str]:
        """The signatory's name and role as the public sees them: where they agree, and while the signature stands.

        Asks for the annotations of `with_status`.
        """
        personal = getattr(self, "personal", None)
        if not (personal and self.is_live and self.name_is_public):
            return {}
        return {name: value for name, value in personal.values.items() if name in ("name", "role")}


class TreeNode(AppendOnly):
    """A complete subtree of the log: what roots and proofs are made of."""

    recorded_at = None  # type: ignore[assignment]
    recorded_by = None
    redaction = None  # type: ignore[assignment]

    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="declarations_node_once")]

    def __str__(self) -> str:
        return f"Node {self.level}/{self.index}"


class PersonalRecord(models.Model):
    """The values and salts behind an entry's commitments. They can be erased; every proof stays valid."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="personal")
    disclosed = models.TextField(blank=True, help_text="JSON: each value with its salt, as on a receipt.")
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at=None) & ~Q(disclosed="") | Q(erased_at__isnull=False, disclosed=""),
                name="declarations_personal_erased_whole",
            )
        ]

    def __str__(self) -> str:
        return f"Personal data of entry {self.entry_id}"

    @property
    def opened(self) -> dict[str, dict[str, str]]:
        """Each value with its salt, by the names that the leaf gives them; nothing where it was erased."""
        return json.loads(self.disclosed) if self.disclosed else {}

    @property
    def values(self) -> dict[str, str]:
        """The values by name."""
        return {name: part["value"] for name, part in self.opened.items()}


class LiveSignature(models.Model):
    """The signature of a body that stands for a wording: at most one, written only together with an entry."""

    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="live_signatures")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="live_signatures")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="live")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["body", "version"], name="declarations_live_once")]

    def __str__(self) -> str:
        return f"{self.body}, {self.version}"


class RegisterKey(AppendOnly):
    """A public key of the register; the private one is a file. Old ones keep old receipts valid."""

    vkey = models.CharField("public key", max_length=300, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.vkey
