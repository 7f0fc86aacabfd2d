from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from partners.admin import PROVENANCE, SourcedAdmin
from programmes.forms import StoryForm, picture_form_of
from programmes.models import Picture, Story
from vru_portal.staff.admin_links import action_url
from vru_portal.staff.help import help_link

UPLOAD_FIELDS = ("new_picture", "alternative_text", "credit")


@admin.register(Story)
class StoryAdmin(SourcedAdmin):
    """News, with pictures that can be uploaded from the story's own form."""

    form = StoryForm
    list_display = ("title", "published_on", "state")
    list_filter = ("state",)
    search_fields = ("title", "summary", "body")
    date_hierarchy = "published_on"
    autocomplete_fields = ("picture", "source")
    fieldsets = (
        (
            None,
            {"description": help_link("writing"), "fields": ["title", "slug", "published_on", "summary", "body"]},
        ),
        ("Picture", {"description": help_link("pictures"), "fields": [*UPLOAD_FIELDS, "picture"]}),
        PROVENANCE,
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the field for a file only to those who may upload one."""
        if self._may_upload(request, obj):
            return super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in UPLOAD_FIELDS]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose today: most news is the unit's own, written on the day."""
        today = timezone.localdate()
        return {"published_on": today, "as_at": today} | super().get_changeform_initial_data(request)

    def _may_upload(self, request: HttpRequest, obj: Story | None) -> bool:
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return may_save and request.user.has_perm("programmes.add_picture")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Store a picture that was sent with the story, whatever becomes of the story.

        Of a published story, only the difference stays, as its pending change: the picture has to be there before.
        And if the story is refused, its author need not choose the file again.
        """
        story = self.get_object(request, object_id) if object_id else None
        if request.method == "POST" and bool(object_id) == bool(story) and self._may_upload(request, story):
            self._store_picture(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _store_picture(self, request: HttpRequest) -> None:
        """Store the picture as a draft, and continue as if it had been selected; a refused one is left to the form."""
        form = picture_form_of(request.POST, request.FILES)
        if form is None or not form.is_valid():
            return
        with transaction.atomic():
            picture = form.save()
            self.admin_site.get_model_admin(Picture).log_addition(request, picture, "Uploaded with a story")
        message = format_html(
            'The picture is saved as a draft. You can publish it together with the story. <a href="{}">Preview</a>',
            action_url(picture, "preview"),
        )
        messages.success(request, message)
        if form.note:
            messages.warning(request, form.note)
        data = request.POST.copy()
        data["picture"] = str(picture.pk)
        for name in UPLOAD_FIELDS:
            data.pop(name, None)
            request.FILES.pop(name, None)
        request.POST = data  # type: ignore[assignment]
