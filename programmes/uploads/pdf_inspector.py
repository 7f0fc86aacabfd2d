"""Look through a PDF for scripts, commands and attached files. `pdf.py` runs this as a program of its own.

It reads a PDF from standard input and prints "harmless", "active" or "unreadable". qpdf, the library under pikepdf, is
written in C++ and parses here what may have been made to harm it: in a process of its own it can be limited in time and
memory, and may crash.
"""

import io
import resource
import sys
from collections.abc import Iterator

import pikepdf
from pikepdf.settings import set_qpdf_limits

CPU_SECONDS = 5
MEMORY = 2_000_000_000  # bytes
LARGEST_STREAM = 20_000_000  # bytes: of a stream with compressed objects, unpacked
MAX_UNPACKED = 50_000_000  # bytes: of all of them together

# The usual marks of a PDF that acts by itself or carries other files: types of actions and annotations, forms with a
# language of their own, the type of an attached file, and the key by which a file specification leads to one
# (ISO 32000-2, 7.11.4, 12.5.6, 12.6.4, 12.7.6 and annex K).
ACTIVE_NAMES = (
    "/JavaScript", "/Launch", "/Rendition", "/RichMedia", "/EmbeddedFile", "/EF", "/XFA", "/ImportData", "/SubmitForm",
)  # fmt: skip
COMPRESSED = 2  # the type of an entry in the cross-reference table


def inspect(content: bytes) -> str:
    # No recovery: programs that repair a damaged PDF differ in what they find in it, so a script that stays hidden here
    # could still run in somebody's reader. For the same reason a PDF with warnings is not called harmless.
    with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as pdf:
        if pdf.is_encrypted or not can_be_unpacked(pdf):
            return "unreadable"
        # The cross-reference table lists every object, also those that no page leads to. What the trailer holds
        # directly, such as a catalogue that is not an object of its own, is in no table.
        objects = (pdf.get_object(number) for number in pdf.get_xref_table())
        if is_active(pdf.trailer) or any(map(is_active, objects)):
            return "active"
        return "unreadable" if pdf.get_warnings() else "harmless"


def can_be_unpacked(pdf: pikepdf.Pdf) -> bool:
    """Whether the streams that hold compressed objects are small enough, all together."""
    entries = pdf.get_xref_table().values()
    unpacked = 0
    for number in {entry.obj_stream_number or 0 for entry in entries if entry.type == COMPRESSED}:
        unpacked += len(pdf.get_object(number, 0).read_bytes())
        if unpacked > MAX_UNPACKED:
            return False
    return True


def is_active(thing: pikepdf.Object) -> bool:
    if isinstance(thing, pikepdf.Stream):
        thing = thing.stream_dict
    if not isinstance(thing, pikepdf.Object):  # a number or a truth value, which pikepdf turns into Python's own
        return False
    # A search in the written form, where qpdf spells each name in one way only, quickly rules out most objects. The
    # slower look at each name then leaves out words that only occur in a text.
    written = thing.unparse(resolved=True)
    if not any(name.encode() in written for name in ACTIVE_NAMES):
        return False
    return any(name in ACTIVE_NAMES for name in names_in(thing))


def names_in(thing: pikepdf.Object) -> Iterator[str]:
    """Every key and name in an object, without the objects that it refers to: the table lists them too."""
    unvisited = [thing]
    while unvisited:
        value = unvisited.pop()
        if isinstance(value, pikepdf.Name):
            yield str(value)
        elif isinstance(value, pikepdf.Object) and value.is_indirect and value is not thing:
            continue
        elif isinstance(value, pikepdf.Dictionary):
            for key, child in value.items():
                yield key
                unvisited.append(child)
        elif isinstance(value, pikepdf.Array):
            unvisited.extend(value)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    set_qpdf_limits(flate_max_memory=LARGEST_STREAM)
    try:
        print(inspect(sys.stdin.buffer.read()))
    except Exception:  # whatever qpdf or Python makes of a broken file
        print("unreadable")
