"""The register: a log that only grows, with a Merkle tree over it that lets anybody check that it only grows."""

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse

from events.declarations import querysets
from events.declarations.choices import EntryKind
from events.declarations.models.invitations import SignatoryBody
from events.declarations.models.versions import DeclarationVersion
from vru_portal.ledger.append_only.models import AppendOnly
from vru_portal.ledger.append_only.trigger import DELETE, INSERT, TRUNCATE, UPDATE, Trigger

LOCK_HEAD_SQL = "SELECT 1 FROM declarations_head WHERE id = 1"
ERASED_ONLY_MESSAGE = "What an entry commits to cannot be changed, only erased."


class Head(models.Model):
    """The end of the log: a single row, which appending locks."""

    end: Any = None  # what `log.read_end` has read; not a column

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    origin = models.CharField(max_length=200, help_text="Its name in every checkpoint, frozen at the first entry.")
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.JSONField(default=list, help_text="Roots of the complete subtrees, largest first, as hex.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="declarations_head_is_one")]

    def __str__(self) -> str:
        return f"{self.origin}: {self.size} entries"


class Entry(AppendOnly):
    """An entry of the register. The leaf is the entry; the columns repeat those of its values that are queried.

    Entries are permanent, so they name no member of staff and have no free text.
    """

    recorded_by = None
    redaction = None  # type: ignore[assignment]

    triggers = (
        Trigger(
            "in_order",
            INSERT,
            "NEW.seq <> 1 + COALESCE((SELECT h.size FROM declarations_head h WHERE h.id = 1), 0)",
            "The register has no gaps.",
            LOCK_HEAD_SQL,
            prevents="Two entries could take one place in the log, and no receipt after it could be proven.",
        ),
        Trigger(
            "head_grows",
            UPDATE,
            "NEW.size < OLD.size OR (OLD.size > 0 AND NEW.origin <> OLD.origin) OR "
            "(OLD.size > 0 AND NEW.size = OLD.size AND NEW.frontier {differs} OLD.frontier) OR "
            "(NEW.size > OLD.size AND NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.seq = NEW.size))",
            "The register only grows, entry by entry.",
            table="declarations_head",
            prevents="The head could go back, and the next entries would overwrite ones already given receipts.",
        ),
        Trigger(
            "head_stays",
            DELETE,
            "TRUE",
            "The register's head cannot be removed.",
            table="declarations_head",
            prevents="Without its head the log would start again at 1 beside the entries it has.",
        ),
        Trigger(
            "head_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_head h WHERE h.id = NEW.id)",
            "The register's head cannot be removed.",
            table="declarations_head",
            prevents="INSERT OR REPLACE on SQLite, which fires no DELETE trigger, could put another head in its place.",
        ),
        Trigger(
            "personal_erased_only",
            UPDATE,
            "NEW.entry_id <> OLD.entry_id OR NEW.disclosed <> '' OR NEW.erased_at IS NULL",
            ERASED_ONLY_MESSAGE,
            table="declarations_personalrecord",
            prevents="What a signatory stated could be altered, or something put in place of what was erased.",
        ),
        Trigger(
            "personal_stays",
            DELETE,
            "TRUE",
            ERASED_ONLY_MESSAGE,
            table="declarations_personalrecord",
            prevents="Personal data could vanish without an entry that says it was erased.",
        ),
        Trigger(
            "personal_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_personalrecord p WHERE p.entry_id = NEW.entry_id)",
            ERASED_ONLY_MESSAGE,
            table="declarations_personalrecord",
            prevents="INSERT OR REPLACE on SQLite could put other personal data in place of what was stated or erased.",
        ),
        Trigger(
            "live_is_signed",
            INSERT,
            "NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.seq = NEW.entry_id AND e.kind = 'signed' "
            "AND e.body_id = NEW.body_id AND e.version_id = NEW.version_id) "
            "OR EXISTS (SELECT 1 FROM declarations_entry e WHERE e.of_id = NEW.entry_id "
            "AND e.kind IN ('withdrawn', 'superseded'))",
            "A signature needs an entry in the register that has not been ended.",
            table="declarations_livesignature",
            prevents="An organisation could be shown as a signatory that never signed, or has withdrawn.",
        ),
        Trigger(
            "live_not_replaced",
            INSERT,
            "EXISTS (SELECT 1 FROM declarations_livesignature l WHERE l.id = NEW.id OR l.entry_id = NEW.entry_id "
            "OR (l.body_id = NEW.body_id AND l.version_id = NEW.version_id))",
            "A signature cannot be changed.",
            table="declarations_livesignature",
            prevents="A signature in force could be replaced, or counted twice.",
        ),
        Trigger(
            "live_stays",
            UPDATE,
            "TRUE",
            "A signature cannot be changed.",
            table="declarations_livesignature",
            prevents="A signature could be moved to another organisation or another version.",
        ),
        Trigger(
            "live_ends_by_entry",
            DELETE,
            "NOT EXISTS (SELECT 1 FROM declarations_entry e WHERE e.of_id = OLD.entry_id "
            "AND e.kind IN ('withdrawn', 'superseded'))",
            "Only an entry in the register can end a signature.",
            table="declarations_livesignature",
            prevents="A signatory could disappear from the public list without a trace in the register.",
        ),
        *(
            Trigger(
                f"{name}_not_truncated",
                TRUNCATE,
                "TRUE",
                "The register only grows.",
                table=f"declarations_{table}",
                prevents="TRUNCATE on PostgreSQL fires no DELETE trigger, and could empty these tables at one stroke.",
            )
            for name, table in (("head", "head"), ("personal", "personalrecord"), ("live", "livesignature"))
        ),
    )

    seq = models.PositiveBigIntegerField("number", primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=EntryKind)
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
            ("correct_entry", "Can correct what the register shows of an organisation"),
            ("erase_entry", "Can erase, and disclose, the personal data of a signature"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="declarations_entry_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.SIGNED, of=None) | ~Q(kind=EntryKind.SIGNED) & Q(of__isnull=False),
                name="declarations_entry_follows_a_signature",
            ),
        ]

    def __str__(self) -> str:
        return f"Entry {self.seq}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("declarations:entry", args=[self.seq])

    @cached_property
    def leaf_values(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.leaf)
        return values

    @property
    def is_live(self) -> bool:
        """Whether it is a signature in force. This and the properties below need `with_status`, or they query."""
        return hasattr(self, "live")

    @property
    def ended_by(self) -> str | None:
        """The kind of the entry that ended this signature, if one did."""
        return next(
            (e.kind for e in self.followed_by.all() if e.kind in (EntryKind.WITHDRAWN, EntryKind.SUPERSEDED)), None
        )

    @property
    def status(self) -> str:
        """The status of a signature, or what another entry did, as it is shown."""
        if self.kind != EntryKind.SIGNED:
            return self.get_kind_display()
        if self.is_live:
            return "Signed on paper" if self.on_paper else "Signed"
        return str(EntryKind(self.ended_by or EntryKind.SIGNED).label)

    @property
    def name_is_public(self) -> bool:
        """Whether the signatory agrees to be named in public, according to the last entry that says so."""
        changes = [
            e.leaf_values
            for e in self.followed_by.all()
            if e.kind == EntryKind.CORRECTED and "name_is_public" in e.leaf_values
        ]
        return bool([self.leaf_values, *changes][-1]["name_is_public"])

    @property
    def public_signatory(self) -> dict[str, str]:
        """The signatory's name and role, if they agreed to show them and the signature is in force; otherwise empty."""
        personal = getattr(self, "personal", None)
        if not (personal and self.is_live and self.name_is_public):
            return {}
        return {name: value for name, value in personal.values.items() if name in ("name", "role")}


class TreeNode(AppendOnly):
    """The hash of a complete subtree of the log, from which roots and proofs are computed."""

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
    """The values and salts behind an entry's commitments. They can be erased, and every proof stays valid."""

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
    def salted_values(self) -> dict[str, dict[str, str]]:
        """Each value with its salt, under the name that the leaf has for it; empty if it was erased."""
        return json.loads(self.disclosed) if self.disclosed else {}

    @property
    def values(self) -> dict[str, str]:
        return {name: salted["value"] for name, salted in self.salted_values.items()}


class LiveSignature(models.Model):
    """The signature of an organisation in force for a version: at most one, written only together with an entry."""

    body = models.ForeignKey(SignatoryBody, on_delete=models.PROTECT, related_name="live_signatures")
    version = models.ForeignKey(DeclarationVersion, on_delete=models.PROTECT, related_name="live_signatures")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="live")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["body", "version"], name="declarations_live_once")]

    def __str__(self) -> str:
        return f"{self.body}, {self.version}"


class RegisterKey(AppendOnly):
    """A public key of the register. The private key is a file. Old public keys keep old receipts valid."""

    vkey = models.CharField("public key", max_length=300, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.vkey
