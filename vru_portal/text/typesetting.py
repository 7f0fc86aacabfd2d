"""Tagged PDFs (PDF/UA-1), typeset by typst from templates/pdf/.

What people wrote reaches a template only as JSON in `sys.inputs`, so it is data there and never becomes code. The same
data always give the same bytes: typst uses only fonts that are installed with the portal, and fetches nothing.
"""

import json
from typing import Any

import segno
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it.tree import SyntaxTreeNode

from vru_portal.text.fonts import bundled_fonts, can_be_drawn

ALLOWED_LINKS = ("https://", "http://", "mailto:")


def compile_pdf(template: str, data: str, timestamp: int) -> bytes:
    """Compile a template to PDF, with characters that no font can draw written as their code points.

    Finding these is slow, so it is done only once typst has refused the text.
    """
    import typst  # only in processes that draw: it takes 8 MB

    try:
        return run_typst(template, data, timestamp)
    except typst.TypstError:
        return run_typst(template, json.dumps(spell_out_undrawable(json.loads(data))), timestamp)


def spell_out_undrawable(value: Any) -> Any:
    """Replace each character that no font can draw by its code point, such as [U+1F600]."""
    if isinstance(value, str):
        return "".join(c if can_be_drawn(c) else f"[U+{ord(c):04X}]" for c in value)
    if isinstance(value, list):
        return [spell_out_undrawable(part) for part in value]
    return {name: spell_out_undrawable(part) for name, part in value.items()} if isinstance(value, dict) else value


def run_typst(template: str, data: str, timestamp: int) -> bytes:
    """Compile a template to PDF; raises TypstError, also if no font can draw a character."""
    import typst

    folder = settings.BASE_DIR / "templates" / "pdf"
    return typst.compile(
        folder / f"{template}.typ",
        root=folder,
        font_paths=bundled_fonts(),
        sys_inputs={"data": data},
        pdf_standards=["ua-1"],
        timestamp=timestamp,
    )


def markdown_nodes(node: SyntaxTreeNode) -> list[dict[str, Any]]:
    """A Markdown tree as nested dictionaries, which templates/pdf/_markdown.typ turns into its own elements."""
    parts: list[dict[str, Any]] = []
    for child in node.children:
        match child.type:
            case "text" | "code_inline" | "code_block" | "fence":
                parts.append({"kind": "text", "text": child.content})
            case "softbreak":
                parts.append({"kind": "text", "text": " "})
            case "hardbreak" | "hr":
                parts.append({"kind": child.type})
            case "heading":
                parts.append({"kind": "heading", "level": int(child.tag[1]), "parts": markdown_nodes(child)})
            case "ordered_list":
                parts.append({"kind": child.type, "start": child.attrs.get("start", 1), "parts": markdown_nodes(child)})
            case "link" if str(child.attrs["href"]).startswith(ALLOWED_LINKS):
                parts.append({"kind": "link", "to": child.attrs["href"], "parts": markdown_nodes(child)})
            case "table":
                rows = [row for section in child.children for row in section.children]
                cells = [[markdown_nodes(cell) for cell in row.children] for row in rows]
                parts.append({"kind": "table", "columns": len(cells[0]), "rows": cells})
            case "paragraph" | "bullet_list" | "list_item" | "blockquote" | "strong" | "em":
                parts.append({"kind": child.type, "parts": markdown_nodes(child)})
            case _:  # a wrapper, or a picture, whose alternative text is its children
                parts += markdown_nodes(child)
    return parts


def qr_code_svg(address: str) -> SafeString:
    """Draw an address as a QR code without a border: the page and the PDF leave white space around it."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=0, dark="#241748")
    return mark_safe(drawn)  # noqa: S308 - generated from our own address
