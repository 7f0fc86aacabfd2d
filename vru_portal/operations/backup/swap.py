"""Replacing a portal with what was restored beside it: all of it, or nothing.

Files and folders are only renamed. Before the first of them a journal says which, so that whatever ends the process
half-way, even a loss of power, can be undone.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vru_portal.operations.backup import postgresql
from vru_portal.operations.backup.lock import journal_file


@dataclass(frozen=True)
class Move:
    """A place, what was restored for it (if anything), and where its present contents go."""

    place: Path
    new: Path | None
    aside: Path

    def make(self) -> None:
        if os.path.lexists(self.place):
            self.aside.parent.mkdir(mode=0o700, exist_ok=True)
            self.place.rename(self.aside)
        if self.new:
            self.new.rename(self.place)

    def undo(self) -> None:
        """Undo as much of it as was done, and remove what was restored beside the place."""
        was_moved_in = self.new is not None and not os.path.lexists(self.new)
        if os.path.lexists(self.aside):
            delete(self.place)
            self.aside.rename(self.place)
        elif was_moved_in:
            delete(self.place)
        if self.new:
            delete(self.new)
        if self.aside.parent.is_dir() and not any(self.aside.parent.iterdir()):
            self.aside.parent.rmdir()


@dataclass(frozen=True)
class Swap:
    """All moves of a restore; on PostgreSQL, also the schema, and the name under which the old one is kept."""

    moves: list[Move]
    schema: str = ""
    schema_aside: str = ""
    created: list[Path] = field(default_factory=list)  # files beside the keys that were not there before

    def undo(self) -> None:
        for move in reversed(self.moves):
            move.undo()
        for path in self.created:
            delete(path)
        if self.schema:
            postgresql.put_back(self.schema, self.schema_aside)


def delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def journalled(swap: Swap, folder: Path) -> Iterator[None]:
    """Undo the swap unless the block ends well; if the process ends first, `undo_interrupted` does later."""
    journal, draft = journal_file(folder), journal_file(folder).with_suffix(".new")
    moves = [[str(path) if path else "" for path in (move.place, move.new, move.aside)] for move in swap.moves]
    with draft.open("w") as file:
        created = [str(path) for path in swap.created]
        json.dump({"moves": moves, "schema": [swap.schema, swap.schema_aside], "created": created}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(journal)
    sync_folder(folder)
    try:
        yield
    except BaseException:
        swap.undo()
        finish(swap, folder)
        raise
    finish(swap, folder)


def finish(swap: Swap, folder: Path) -> None:
    """Delete the journal, once everything that it describes is on disk."""
    for parent in {move.place.parent for move in swap.moves}:
        sync_folder(parent)
    journal_file(folder).unlink()


def undo_interrupted(folder: Path) -> bool:
    """Undo what an interrupted restore had done; returns whether there was one."""
    try:
        said = json.loads(journal_file(folder).read_text())
    except FileNotFoundError:
        return False
    moves = [Move(Path(place), Path(new) if new else None, Path(aside)) for place, new, aside in said["moves"]]
    schema, schema_aside = said["schema"]
    swap = Swap(moves, schema, schema_aside, [Path(path) for path in said["created"]])
    swap.undo()
    finish(swap, folder)
    return True


def sync_folder(folder: Path) -> None:
    """Have renames in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
