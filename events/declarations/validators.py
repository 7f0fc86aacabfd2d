import unicodedata

from django.core.exceptions import ValidationError

# Characters that nobody sees: the joiners without which some scripts cannot be written. All others could hide a
# difference between two names, or turn the words beside them around.
JOINERS = "\u200c\u200d"


def visible(text: str) -> None:
    """Refuse a name in which nobody can read a letter or a figure, or that hides characters."""
    kinds = {character: unicodedata.category(character) for character in text}
    if any(kind == "Cc" for kind in kinds.values()):
        raise ValidationError("Take out the control characters: type it instead of pasting it.")
    if any(kind == "Cf" and character not in JOINERS for character, kind in kinds.items()):
        raise ValidationError("Take out the characters that nobody sees: type it instead of pasting it.")
    if not any(kind[0] in "LN" for kind in kinds.values()):
        raise ValidationError("Use letters: nobody could read this.")


def unlinked(text: str) -> None:
    """Refuse a link where a name is asked for: it would be mailed to others in the unit's name."""
    if "://" in text or "www." in text.casefold():
        raise ValidationError("Take out the link: this is a name.")
