"""What is new, latest first: stories by staff, and milestones that follow from records."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from programmes.choices import NewsKind
from programmes.models import Story


@dataclass
class NewsItem:
    """A line of the news. A milestone has no story, only a title; `basis` says which records it follows from."""

    dated: date
    title: str
    address: str  # of the page that it leads to
    kind: NewsKind = NewsKind.STORY
    basis: str = ""
    name: str = ""  # of a milestone, unique on its page
    story_key: int | None = None
    story: Story | None = None  # set by `add_stories`, for those that a page shows

    @property
    def identity(self) -> str:
        """What no other item has, and what stays if the title is corrected."""
        return f"{self.address}#{self.name}" if self.name else self.address


# Finds the milestones of apps that build on this one: `vru_portal.urls` passes it in.
FindMilestones = Callable[[], Iterable[NewsItem]]


def all_news(milestones: Iterable[NewsItem]) -> list[NewsItem]:
    """Every public story and these milestones, the latest first; the stories themselves are not loaded."""
    rows = Story.objects.public().order_by().values_list("pk", "slug", "title", "published_on")
    items = [
        NewsItem(dated, title, Story(slug=slug).get_absolute_url(), story_key=pk) for pk, slug, title, dated in rows
    ]
    return sorted([*items, *milestones], key=lambda item: (-item.dated.toordinal(), item.title))


def add_stories(items: Iterable[NewsItem]) -> None:
    """Load the stories of these items, in one query."""
    items = list(items)
    keys = [item.story_key for item in items if item.story_key]
    stories = Story.objects.public().filter(pk__in=keys).select_related("picture", "source").in_bulk() if keys else {}
    for item in items:
        item.story = stories.get(item.story_key) if item.story_key else None
