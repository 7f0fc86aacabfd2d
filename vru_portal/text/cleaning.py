"""Text that people have typed or pasted, made fit to be stored, compared, or shown in one line of an email or a PDF."""

import re
import unicodedata
from urllib.parse import unquote

from django.core.exceptions import ValidationError

from vru_portal.text.characters import (
    DIRECTION_MARKS,
    FORBIDDEN,
    JOINERS,
    VARIATION_SELECTORS,
    is_control,
    remove_invisible,
)

# Word writes a vertical tab where a writer breaks a line, and some programs the separators that Unicode has for it.
LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
APOSTROPHES = "\u2018\u2019\u201a\u201b\u02b9\u02bb\u02bc\u02bd\u02c8\u2032\u2035\u2039\u203a\u00b4`\ua78c\uff07"
QUOTATION_MARKS = "\u201c\u201d\u201e\u201f\u2033\u2036\u301d\u301e\u301f\uff02\u00ab\u00bb"
DASHES = "\u058a\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
UNSEEN = JOINERS | VARIATION_SELECTORS  # kept where a script or an emoji needs them; they tell no texts apart
NAME_AND_ADDRESS = re.compile(r"[^<>]*<([^<>@]+@[^<>@]+)>[;,.]?")
AROUND_ADDRESSES = ("()", '""', "''")
AROUND_AT_SIGN = re.compile(r" ?@ ?")
LONGEST_VALUE = 100  # of a date, a time, a number or a sum, whatever else is typed around it
IDEOGRAPHIC_FULL_STOP = "\u3002"
SAME_WHEN_COMPARED = (
    dict.fromkeys(map(ord, APOSTROPHES), "'")
    | dict.fromkeys(map(ord, QUOTATION_MARKS), '"')
    | dict.fromkeys(map(ord, DASHES), "-")
    | dict.fromkeys(map(ord, UNSEEN), None)
)
# The slash, the ratio sign and the decimal points that are typed for others: of fractions, of print, of Arabic.
SAME_IN_VALUES = str.maketrans("\u2044\u2215\\\u2236\u00b7\u066b\u066c\u20a4", "///:..,\u00a3")


def normalise_line(text: str) -> str:
    """A single line as it is stored: no invisible characters, runs of white space as one space, letters composed (NFC).

    Control characters stay: they are refused by name (`validators`) rather than lost without a word.
    """
    return " ".join(unicodedata.normalize("NFC", remove_invisible(text)).split())


def with_plain_breaks(text: str) -> str:
    """A text with each line break as one character. Browsers send two, and other programs other characters."""
    return LINE_BREAK.sub("\n", text)


def normalise_text(text: str) -> str:
    """Text of several lines as it is stored: like a line, with its line breaks as ``\\n`` and its spaces as typed."""
    return unicodedata.normalize("NFC", remove_invisible(with_plain_breaks(text))).strip()


def normalise_email(text: str) -> str:
    """An email address as it is stored: without what a paste brings along, such as a name, ``mailto:`` and ``<>``.

    Full-width letters and signs, which Japanese and Chinese keyboards type, are the plain ones; so are apostrophes and
    hyphens that a phone has made round or long. Spaces within it stay, so that it is refused: they may follow a name.
    """
    while (address := _unwrap_email(text)) != text:
        text = address
    return text


def _unwrap_email(text: str) -> str:
    plain = unicodedata.normalize("NFKC", normalise_line(text).translate(SAME_WHEN_COMPARED))
    address = AROUND_AT_SIGN.sub("@", plain.translate(SAME_WHEN_COMPARED).replace(IDEOGRAPHIC_FULL_STOP, "."))
    if named := NAME_AND_ADDRESS.fullmatch(address):
        address = named[1]
    if address.casefold().startswith("mailto:"):
        address = unquote(address[len("mailto:") :].partition("?")[0])
    if len(address) > 1 and address[0] + address[-1] in AROUND_ADDRESSES:
        address = address[1:-1]
    return " ".join(address.lstrip("< ").rstrip(">;,.:/ ").split())


def normalise_reference(text: str) -> str:
    """Another system's reference as it is stored: a line with one form of each dash, and no full-width characters.

    Some systems put an apostrophe before it, so that a spreadsheet keeps its zeros.
    """
    plain = unicodedata.normalize("NFKC", normalise_line(text).translate(SAME_WHEN_COMPARED))
    return " ".join(plain.split()).lstrip("'")


def fold(text: str) -> str:
    """A form in which texts that people take for the same are equal. For comparison only, never to be shown.

    Case, spaces, invisible characters, full-width letters, and the kinds of apostrophe, quotation mark and dash do not
    count; accents do.
    """
    dashed = text.translate(SAME_WHEN_COMPARED)  # first: NFKC would break some of these into a space and an accent
    plain = unicodedata.normalize("NFKC", remove_invisible(dashed)).translate(SAME_WHEN_COMPARED)
    return " ".join(unicodedata.normalize("NFKC", FORBIDDEN.sub("", plain).casefold()).split())


def plain_value(typed: str) -> str:
    """A date, a time or a sum in the characters that its reader knows, in lower case and without quotation marks.

    Digits of every script, full-width signs, and the kinds of dash, apostrophe and space are the plain ones. What is no
    digit stays, such as the mark of a footnote: £500² is not £5002.
    """
    same = remove_invisible(typed).translate(SAME_WHEN_COMPARED)
    plain = "".join(map(_plain_character, same)).translate(SAME_WHEN_COMPARED | SAME_IN_VALUES).casefold()
    return " ".join(plain.split()).strip("'\" ")  # a spreadsheet marks a number that is text by an apostrophe


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return character if character.isnumeric() else unicodedata.normalize("NFKC", character)


def one_line(text: str) -> str:
    """Remove line breaks, control characters and marks that change the reading direction.

    A line break in a mail header would start another header; a direction mark could make a name read as another one.
    """
    line = " ".join(text.split())
    return "".join(c for c in line if not is_control(c) and c not in DIRECTION_MARKS)


def refuse_long_value(typed: str, what: str) -> None:
    """Raise ValidationError for what is far too long to be ``what``, such as “a date”.

    Whatever reads a date or a sum looks at each character several times: a book pasted into the field would stop the
    process for minutes.
    """
    if len(typed) > LONGEST_VALUE:
        raise ValidationError(f"“{truncate(typed.strip(), 40)}” is too long to be {what}.")


def truncate(text: str, length: int) -> str:
    """Cut text down to `length` characters, the last of which is then an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
