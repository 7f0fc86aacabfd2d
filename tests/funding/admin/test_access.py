"""Who may take each step of the ledger in the admin, and what happens to anything else that is sent."""

from decimal import Decimal

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    AssessmentFactory,
    ContractCopyFactory,
    ExplanationFactory,
    FundingSourceFactory,
    PaymentFactory,
    UserFactory,
    YearFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def everything():
    """Return each view of the ledger beyond lists, with the permission that opens it."""
    source = FundingSourceFactory(year=YearFactory(first_year=2031))
    allocation = AllocationFactory(funding_source=source, kind="contract")
    payment = PaymentFactory(allocation=allocation, amount=Decimal("100.01"))
    money, evidence = "/admin/funding", f"/admin/programmes/evidenceassessment/{AssessmentFactory().pk}"
    copy, explanation = ContractCopyFactory(allocation=allocation), ExplanationFactory(payment=payment)
    decision = AssessmentDecisionFactory(assessment__initiative=allocation.initiative)
    return {
        f"{money}/fundingsource/{source.pk}/redact/": "funding.change_fundingsource",
        f"{money}/contractcopy/{copy.pk}/redact/": "funding.change_contractcopy",
        f"{money}/explanation/{explanation.pk}/redact/": "funding.change_explanation",
        f"/admin/programmes/assessmentdecision/{decision.pk}/redact/": "programmes.change_assessmentdecision",
        f"{money}/fundingsource/add/": "funding.add_fundingsource",
        f"{money}/fundingsource/{source.pk}/reverse/": "funding.add_fundingsource",
        f"{money}/fundingsource/{source.pk}/carry/": "funding.add_fundingsource",
        f"{money}/allocation/add/": "funding.add_allocation",
        f"{money}/allocation/import/": "funding.add_allocation",
        f"{money}/allocation/{allocation.pk}/reverse/": "funding.add_allocation",
        f"{money}/allocation/{allocation.pk}/contract-copy/": "funding.add_contractcopy",
        f"{money}/allocation/{allocation.pk}/redact/": "funding.change_allocation",
        f"{money}/payment/add/": "funding.add_payment",
        f"{money}/payment/import/": "funding.add_payment",
        f"{money}/payment/{payment.pk}/reverse/": "funding.add_payment",
        f"{money}/payment/{payment.pk}/explain/": "funding.add_explanation",
        f"{money}/payment/{payment.pk}/redact/": "funding.change_payment",
        "/admin/programmes/evidenceassessment/add/": "programmes.add_evidenceassessment",
        f"{evidence}/decide/": "programmes.add_assessmentdecision",
        f"{evidence}/reverse-decision/": "programmes.add_assessmentdecision",
        f"{evidence}/redact/": "programmes.change_evidenceassessment",
    }


def test_each_view_opens_to_its_own_permission_and_to_no_other(client, quiet):
    table = everything()
    for wanted in sorted(set(table.values())):
        user = UserFactory()
        app, codename = wanted.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client.force_login(user)
        for address, needed in table.items():
            expected = 200 if needed == wanted else 403
            assert client.get(address).status_code == expected, (wanted, address)
            if needed != wanted:
                assert client.post(address, {"reason": "Because"}).status_code == 403, (wanted, address)
    for name in ("allocation", "payment"):
        assert client.post(f"/admin/funding/{name}/process_import/").status_code == 403


def test_each_view_asks_for_a_token_and_for_staff():
    strict, stranger = Client(enforce_csrf_checks=True), Client()
    strict.force_login(UserFactory(is_superuser=True))
    for address in everything():
        assert strict.post(address, {"reason": "Because"}).status_code == 403, address
        assert stranger.get(address).headers["Location"] == f"/admin/login/?next={address}"


def test_people_who_can_only_view_see_facts_but_no_actions(client, source):
    user = UserFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_allocation", "view_payment"]))
    client.force_login(user)
    payment = PaymentFactory(allocation=AllocationFactory(funding_source=source))
    for row in (payment, payment.allocation):
        page = client.get(reverse(f"admin:funding_{row._meta.model_name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert b"/reverse/" not in page.content
        assert b"/redact/" not in page.content
        assert b"payment/add/" not in page.content


@pytest.mark.parametrize("key", ["999999", "x", "1_2F"])
def test_a_step_on_a_row_that_is_not_there_leads_back(client, officer, key):
    for verb in (client.get, client.post):
        assert verb(f"/admin/funding/payment/{key}/reverse/").status_code == 302


@pytest.mark.parametrize("value", ["abc", "9" * 30])
@pytest.mark.parametrize(
    "model",
    [model for model in site._registry if model._meta.app_label in ("funding", "programmes")],
    ids=lambda model: model._meta.label_lower,
)
def test_a_form_that_is_sent_anything_is_shown_again(model, value, client, officer):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    page = client.get(address)
    if page.status_code == 403:  # these are recorded on another row's page
        return
    forms = [
        page.context["adminform"].form,
        *(form for inline in page.context["inline_admin_formsets"] for form in inline.formset.forms),
    ]
    names = [form.add_prefix(name) for form in forms for name in form.fields]
    management = {
        field.html_name: field.value() or 0
        for inline in page.context["inline_admin_formsets"]
        for field in inline.formset.management_form
    }
    assert client.get(address, dict.fromkeys(names, value)).status_code == 200
    # words and slugs may well be so: then it is saved
    assert client.post(address, management | dict.fromkeys(names, value)).status_code in (200, 302)
