"""The field in which staff write Markdown: with a guide, and with a preview and a picker of links where scripts run."""

from typing import Any, ClassVar

from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from vru_portal.markdown import render

# What can be written, as it is written. The guide shows each with what becomes of it.
GUIDE = (
    ("A new paragraph: leave a line empty", "One paragraph.\n\nAnother paragraph."),
    ("Emphasis and importance", "This is *stressed*, and this is **important**."),
    ("A list: begin each line with a hyphen", "- one\n- two"),
    ("A numbered list", "1. first\n2. second"),
    ("A heading: two hashes", "## What happens next"),
    ("Somebody's words: begin with >", "> What was said."),
    ("A link to a page here", "[the initiatives](/initiatives/)"),
    ("A link elsewhere", "[GOV.UK](https://www.gov.uk/)"),
)


def guide() -> list[tuple[str, str, SafeString]]:
    """Return what can be written: its name, as it is written, as it appears."""
    return [(name, text, render(text)) for name, text in GUIDE]


def is_markdown(field: models.Field[Any, Any]) -> bool:
    """Return whether a field holds Markdown: its help text ends by saying so."""
    return isinstance(field, models.TextField) and str(field.help_text).endswith("Markdown.")


class TextArea(AdminTextareaWidget):
    """A text area that gives the ends of lines as they are stored: browsers send two characters for each."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the text."""
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class MarkdownWidget(TextArea):
    """A text area with the guide; the script adds the rest."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/markdown.css"]}
        js: ClassVar[list[str]] = ["js/markdown.js"]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": "10", **(attrs or {})})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Put the guide below the text area, which says where the script asks."""
        addresses = {"data-preview": reverse("admin_markdown"), "data-links": reverse("admin_link")}
        area = super().render(name, value, {**(attrs or {}), **addresses}, renderer)
        return render_to_string("admin/markdown.html", {"area": area, "guide": guide()})
