"""`register verify` reads every column of every row that the register is made of."""

from typing import Any

import pytest
from django.db import transaction

from events.declarations.models import (
    Declaration,
    DeclarationVersion,
    Entry,
    Head,
    PersonalRecord,
    SignatoryBody,
    TreeNode,
)
from events.declarations.register import audit
from tests.tampering import COLUMNS, Tampering, build_register, run, unguarded

pytestmark = pytest.mark.django_db


def test_it_finds_any_change_of_any_column(record_property):
    build_register()
    tampering = Tampering(seed=60)
    with unguarded():
        missed = tampering.undetected(60)
    assert missed == []
    assert {name.split(".")[0] for name in tampering.counts} == {model.__name__ for model in COLUMNS}
    assert list(audit.faults()) == []
    record_property("measured", f"register: 60 changes of rows, {60 - len(missed)} found")


def test_each_fault_is_said_in_a_sentence():
    build_register()
    changes: dict[str, tuple[Any, ...]] = {
        "Entry 3 is missing.": ("DELETE FROM declarations_entry WHERE seq = 3",),
        "Entry 2: the leaf is not the one whose hash stands beside it.": (
            "UPDATE declarations_entry SET leaf_hash = 'zz' WHERE seq = 2",
        ),
        "Entry 2: the checkpoint was not signed over this history.": (
            "UPDATE declarations_entry SET checkpoint = replace(checkpoint, '=', '') WHERE seq = 2",
        ),
        "Entry 5: what stands beside the leaf is not what it says: on_paper.": (
            "UPDATE declarations_entry SET on_paper = %s WHERE seq = 5",
            True,
        ),
        f"The head says 1 entries; there are {Entry.objects.count()}.": ("UPDATE declarations_head SET size = 1",),
        "The head's frontier is not that of the entries.": ("UPDATE declarations_head SET frontier = '[]'",),
        "The tree's nodes of level 1 are not those of the entries.": (
            "UPDATE declarations_treenode SET hash = 'x' WHERE level = 1 AND \"index\" = 0",
        ),
        "The tree has nodes that no entries make.": (
            'UPDATE declarations_treenode SET level = 9 WHERE level = 3 AND "index" = 0',
        ),
        "Entry 1: its personal data is not what it commits to.": (
            "UPDATE declarations_personalrecord SET disclosed = replace(disclosed, 'Sam', 'Pat') WHERE entry_id = 1",
        ),
        "The signatures that stand are not those that the entries leave.": ("DELETE FROM declarations_livesignature",),
        "The text of version 1 is not the one that was published.": (
            "UPDATE declarations_declarationversion SET text = 'Other' WHERE number = 1",
        ),
        "The register's head is missing.": ("DELETE FROM declarations_head",),
    }
    with unguarded():
        for sentence, (sql, *values) in changes.items():
            with transaction.atomic():
                run(sql, *values)
                assert sentence in list(audit.faults())
                transaction.set_rollback(True)
    assert list(audit.faults()) == []


def test_bodies_and_texts_that_entries_name_cannot_be_renamed_silently():
    build_register()
    body = SignatoryBody.objects.order_by("pk")[0]
    version = DeclarationVersion.objects.get(number=1)
    with unguarded():
        for sql, *values in (
            ("UPDATE declarations_signatorybody SET name = 'Other' WHERE id = %s", body.pk),
            ("UPDATE declarations_signatorybody SET sector_id = NULL WHERE id = %s", body.pk),
            ("UPDATE declarations_declarationversion SET number = 9 WHERE id = %s", version.pk),
            ("UPDATE declarations_declarationversion SET sha256 = 'x' WHERE id = %s", version.pk),
            (
                "UPDATE declarations_declarationversion SET in_force_from = NULL, sha256 = '' WHERE id = %s",
                version.pk,
            ),
            ("UPDATE declarations_declaration SET slug = 'other'",),
        ):
            with transaction.atomic():
                run(sql, *values)
                assert next(audit.faults(), None), sql
                transaction.set_rollback(True)
    assert Declaration.objects.count() == 1


def test_a_salt_that_is_written_otherwise_is_found():
    build_register()
    record = PersonalRecord.objects.exclude(disclosed="").order_by("entry")[0]
    salt = record.opened["name"]["salt"]
    with unguarded():
        for other in (f"{salt[:2]} {salt[2:]}", salt.upper()):
            with transaction.atomic():
                run(
                    "UPDATE declarations_personalrecord SET disclosed = %s WHERE entry_id = %s",
                    record.disclosed.replace(salt, other),
                    record.pk,
                )
                assert list(audit.faults()) == [f"Entry {record.pk}: its personal data is not what it commits to."]
                transaction.set_rollback(True)


def test_an_empty_portal_has_no_faults():
    assert list(audit.faults()) == []
    assert (Head.objects.count(), Entry.objects.count(), TreeNode.objects.count()) == (0, 0, 0)
