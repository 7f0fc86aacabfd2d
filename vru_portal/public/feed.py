"""The news as a feed that readers subscribe to (Atom, RFC 4287)."""

from datetime import datetime, time
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed

from partners.models import Unit
from programmes.presenters.news import NewsItem, add_stories, all_news
from vru_portal.public.milestones import milestones
from vru_portal.web.addresses import full_url
from vru_portal.web.public_pages import public_page

ENTRIES = 30


class NewsFeed(Feed[NewsItem, Unit]):
    """The latest stories and milestones."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Unit:
        return Unit.objects.current()

    def title(self, unit: Unit) -> str:
        return f"News of {unit.name}"

    def subtitle(self, unit: Unit) -> str:
        return unit.description

    def author_name(self, unit: Unit) -> str:
        return unit.name

    def link(self, unit: Unit) -> str:
        return full_url(reverse("programmes:stories"))

    def feed_url(self, unit: Unit) -> str:
        return full_url(reverse("feed"))

    def items(self, unit: Unit) -> list[NewsItem]:
        latest = all_news(milestones())[:ENTRIES]
        add_stories(latest)
        return latest

    def item_title(self, item: Any) -> str:
        return str(item.title)

    def item_description(self, item: Any) -> str:
        return str(item.story.summary if item.story else f"{item.basis}.")

    def item_link(self, item: NewsItem) -> str:
        return full_url(item.address)

    def item_guid(self, item: NewsItem) -> str:
        return full_url(item.identity)

    def item_pubdate(self, item: NewsItem) -> datetime:
        return day_begins(item)

    def item_updateddate(self, item: NewsItem) -> datetime:
        return day_begins(item)


def day_begins(item: NewsItem) -> datetime:
    """The news has days, an entry needs a moment."""
    return timezone.make_aware(datetime.combine(item.dated, time()))


@public_page
def feed(request: HttpRequest) -> HttpResponse:
    return NewsFeed()(request)
