"""The forms of records in the admin, filled in as a browser does."""

from typing import Any

from django.urls import reverse


def admin_url(row: Any, page: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def admin_list_url(model: Any, page: str = "changelist") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


def form_data(response: Any) -> dict[str, object]:
    """Return what a browser would send if nothing in the form on a page were changed."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, object] = {"seen": response.context.get("seen", "")}
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form[name].html_name] = value
    return data


def submit_changes(client: Any, row: Any, **changes: Any) -> Any:
    """Open a record's form, change these fields and save it."""
    data = form_data(client.get(admin_url(row))) | changes
    return client.post(admin_url(row), data, follow=True)
