from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.forms import CheckboxSelectMultiple, MultiWidget, RadioSelect
from django.utils.text import capfirst

register = template.Library()


@dataclass(frozen=True)
class Stoppage:
    """Something that keeps a form from being saved."""

    sentences: list[str]
    label: str = ""  # what it is about; empty for the whole form
    target: str = ""  # the ID of the element to go to


@register.simple_tag
def stoppages(form: Any, formsets: Iterable[Any] = ()) -> list[Stoppage]:
    """All that stops a form and the rows edited with it, each with where to correct it."""
    return [*_of_form(form), *(one for inline in formsets or () for one in _of_inline(inline))] if form else []


def _of_inline(inline: Any) -> Iterator[Stoppage]:
    name = str(capfirst(inline.opts.verbose_name))
    if sentences := list(inline.formset.non_form_errors()):
        yield Stoppage(sentences, str(capfirst(inline.opts.verbose_name_plural)), f"{inline.formset.prefix}-heading")
    for form in inline.formset.forms:
        row = f"{name}: {form.instance}" if form.instance.pk else f"New {inline.opts.verbose_name}"
        for found in _of_form(form):
            yield Stoppage(
                found.sentences, f"{row}, {found.label}" if found.label else row, found.target or form.prefix
            )


def _of_form(form: Any) -> Iterator[Stoppage]:
    if sentences := list(form.non_field_errors()):
        yield Stoppage(sentences)
    for field in form:
        if sentences := list(field.errors):
            yield Stoppage(sentences, str(capfirst(field.label)), "" if field.is_hidden else _element(field))


def _element(field: Any) -> str:
    """The ID of what takes the focus: of several boxes, the first."""
    widget = field.field.widget
    several = isinstance(widget, MultiWidget | RadioSelect | CheckboxSelectMultiple)
    return f"{field.auto_id}_0" if several else field.id_for_label or field.auto_id
