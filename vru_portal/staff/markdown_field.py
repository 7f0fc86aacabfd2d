"""The field in which staff write Markdown: with a guide and, where JavaScript runs, a preview and a link picker."""

from typing import Any, ClassVar

from django.contrib.admin.widgets import AdminTextareaWidget
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from vru_portal.text.markdown import render

# The guide below the field: what one can do, and how it is written. It shows each example as it will appear.
GUIDE = (
    ("A new paragraph: leave an empty line", "One paragraph.\n\nAnother paragraph."),
    ("Emphasis and importance", "This is *stressed*, and this is **important**."),
    ("A list: start each line with a hyphen", "- one\n- two"),
    ("A numbered list", "1. first\n2. second"),
    ("A heading: start with ##", "## What happens next"),
    ("A quotation: start with >", "> What was said."),
    ("A link to a page of this portal", "[the initiatives](/initiatives/)"),
    ("A link to another site", "[GOV.UK](https://www.gov.uk/)"),
)


def guide() -> list[tuple[str, str, SafeString]]:
    """For each example: what it does, how it is written, how it appears."""
    return [(name, text, render(text)) for name, text in GUIDE]


class TextArea(AdminTextareaWidget):
    """A text area that stores line breaks as LF. Browsers send CR LF, which would make every line look changed."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class MarkdownWidget(TextArea):
    """A text area with the guide; `markdown.js` adds the preview and the link picker."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/markdown.css"]}
        js: ClassVar[list[str]] = ["js/markdown.js"]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": "10", **(attrs or {})})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        addresses = {"data-preview": reverse("admin_markdown"), "data-links": reverse("admin_link")}
        area = super().render(name, value, {**(attrs or {}), **addresses}, renderer)
        return render_to_string("admin/markdown.html", {"area": area, "guide": guide()})
