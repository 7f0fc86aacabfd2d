"""Staff write Markdown; the public gets HTML that is safe whatever they wrote."""

import re

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.tree import SyntaxTreeNode

# Headings begin at level 3, below the heading of the block that shows the text.
_ALLOWED_TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6", "hr", "code"}
# A picture is one of the portal's own, with words for who cannot see it; any other is left out.
_PICTURE = re.compile(r"/pictures/[-\w]+/", re.ASCII)
_ALLOWED_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "img": {"src", "alt", "loading"}}
_markdown = MarkdownIt("commonmark", {"html": False})


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"


def _own_pictures(state: StateCore) -> None:
    for block in state.tokens:
        for token in block.children or ():
            if token.type == "image":
                if _PICTURE.fullmatch(str(token.attrs["src"])) and token.content.strip():
                    token.attrs = {"src": token.attrs["src"], "alt": "", "loading": "lazy"}
                else:
                    token.type, token.content, token.children = "text", "", []


_markdown.core.ruler.push("own_pictures", _own_pictures)
_markdown.core.ruler.push("lower_headings", _lower_headings)


def parse(text: str) -> SyntaxTreeNode:
    """Return the Markdown as a tree, for what is no page, such as paper. Headings begin at level 3 here too."""
    return SyntaxTreeNode(_markdown.parse(text))


def render(text: str) -> SafeString:
    """Return the Markdown as sanitised HTML: paragraphs, emphasis, links, lists and quotations."""
    html = nh3.clean(
        _markdown.render(text),
        tags=_ALLOWED_TAGS | {"img"},
        attributes=_ALLOWED_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it
