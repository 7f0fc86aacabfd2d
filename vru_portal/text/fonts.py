"""The fonts with which the portal draws receipts and texts, and which characters none of them has."""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    import typst

# Typst itself has Latin, Greek, Cyrillic, Arabic, Hebrew and many symbols.
PACKAGES = (
    "noto_cjk_sans_jp_regular",
    "fontpkg_hind_siliguri",
    "fontpkg_noto_sans_devanagari",
    "fontpkg_noto_sans_tamil",
    "fontpkg_noto_sans_telugu",
)
MAX_NAMED = 10  # characters in one message


@lru_cache(maxsize=1)
def bundled_fonts() -> "typst.Fonts":
    import typst  # only in processes that draw: it takes 8 MB

    return typst.Fonts(include_system_fonts=False, font_paths=[str(files(package)) for package in PACKAGES])


@lru_cache(maxsize=4096)
def can_be_drawn(text: str) -> bool:
    """Whether the fonts have every character of a text. Typst has no way to ask but to typeset it."""
    import typst

    source = b'#set document(title: "x")\n#set text(lang: "en")\n#sys.inputs.text'
    try:
        typst.compile(source, font_paths=bundled_fonts(), sys_inputs={"text": text}, pdf_standards=["ua-1"])
    except typst.TypstError:
        return False
    return True


def undrawable_characters(text: str) -> str:
    """The characters of a text that no font has, each once."""
    if text.isascii() or can_be_drawn(text):
        return ""
    return "".join(character for character in dict.fromkeys(text) if not can_be_drawn(character))


def validate_drawable(text: str) -> None:
    """Refuse, before it is signed or put in force, what a receipt or PDF could not show."""
    if missing := undrawable_characters(text):
        more = " and others" if len(missing) > MAX_NAMED else ""
        raise ValidationError(
            f"Our PDFs cannot show {' '.join(missing[:MAX_NAMED])}{more}. Enter this in other letters, such as A to Z."
        )
