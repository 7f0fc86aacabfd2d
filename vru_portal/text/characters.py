"""Characters that nobody types on purpose or sees on a screen, and what becomes of text that has them.

There are four kinds, because they do harm in different ways:

- control characters: PostgreSQL stores no NUL, workbooks hold none of them, mail programs may act on them;
- surrogates, halves of a character that JSON can spell but UTF-8 cannot, so that no database stores them;
- direction marks, which make a line read as something that it does not say (Unicode UAX 9);
- other characters without a shape, such as the zero-width space, which hide a difference between two names.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError

SURROGATE = re.compile(r"[\ud800-\udfff]")
# Tab, line feed and carriage return are the control characters that text may contain.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# What ends a line or controls a device: a heading or a label has none of it.
NOT_IN_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Plain text files may have form feeds between pages, and old ones have characters that Unicode calls C1 controls.
NOT_IN_TEXT_FILES = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Persian, Hindi and other languages cannot be written without them; emoji sequences use one, too.
JOINERS = frozenset("\u200c\u200d")
# They choose the shape of the character before them: of an emoji, or of a Chinese character.
VARIATION_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
# Joiners and selectors with nothing before them to join or shape. A name of nothing else could not be seen.
NOTHING_BEFORE = re.compile(rf"(?<!\S)[{''.join(sorted(JOINERS | VARIATION_SELECTORS))}]+")
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) outside category Cf, and the blank Braille pattern,
# without the variation selectors.
SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u2800\u3164\uffa0")
# The flags of England, Scotland and Wales are a black flag and the letters of a region, written with tag characters.
FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")
# What spreadsheets skip before they look for a formula: spaces, quotation marks and characters without a shape.
SKIPPED_BY_SPREADSHEETS = re.compile(r"""[\s"'`\u2018-\u201f\u00ad\u200b-\u200f\u2060\ufeff]*""")


def is_control(character: str) -> bool:
    """Whether this is a control character of any kind, line breaks and tabs included."""
    return unicodedata.category(character) == "Cc"


def is_invisible(character: str) -> bool:
    """Whether this character has no shape and no script needs it: it can only hide something."""
    return character in SHAPELESS or (unicodedata.category(character) == "Cf" and character not in JOINERS)


def is_letter_or_number(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN" and character not in SHAPELESS


def remove_forbidden(text: str) -> str:
    return FORBIDDEN.sub("", text)


def remove_invisible(text: str) -> str:
    """Take out invisible characters, which only pasting brings in; the flags of nations keep theirs."""
    if text.isascii():
        return text
    end = 0
    kept = []
    for flag in FLAG.finditer(text):
        kept += [*(c for c in text[end : flag.start()] if not is_invisible(c)), flag[0]]
        end = flag.end()
    kept += [c for c in text[end:] if not is_invisible(c)]
    return NOTHING_BEFORE.sub("", "".join(kept))


def forbidden_character_message(character: str) -> str:
    """Tell somebody to delete a character. It cannot be seen, so its code point is all there is to name it by."""
    if SURROGATE.match(character):
        return f"Delete the incomplete character U+{ord(character):04X}."
    return f"Delete the control character U+{ord(character):04X}, which is not visible."


def validate_characters(text: str) -> None:
    """Refuse text with characters that cannot be stored, sent or shown."""
    if found := FORBIDDEN.search(text):
        raise ValidationError(forbidden_character_message(found[0]))
