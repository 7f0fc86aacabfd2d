"""Staff write Markdown; the public gets HTML that is safe whatever they wrote."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Headings begin at level 3, below the heading of the block that shows the text.
_ALLOWED_TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "hr", "code"}
_ALLOWED_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_markdown = MarkdownIt("commonmark", {"html": False, "typographer": False})


def render(text: str) -> SafeString:
    """Return the Markdown as sanitised HTML: paragraphs, emphasis, links, lists and quotations."""
    html = nh3.clean(
        _markdown.render(text),
        tags=_ALLOWED_TAGS,
        attributes=_ALLOWED_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it
