"""The page on which somebody chooses which emails the portal sends them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from vru_portal.models import DailyEmail


class EmailsForm(forms.ModelForm[DailyEmail]):
    """Turns the daily email on or off."""

    class Meta:
        model = DailyEmail
        fields = ("wanted",)


@require_http_methods(["GET", "HEAD", "POST"])
def choose_emails(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    choice = DailyEmail.objects.filter(user=user).first() or DailyEmail(user=user)
    form = EmailsForm(request.POST if request.method == "POST" else None, instance=choice)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return HttpResponseRedirect(request.path)
    return TemplateResponse(request, "account/emails.html", {"form": form, "address": user.email})
