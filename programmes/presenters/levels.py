"""The levels of prevention with the first few initiatives of each, for pages that show all levels."""

from collections import defaultdict

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from programmes.models import Initiative, PreventionLevel
from vru_portal.web.prepared_queries import prepared

INITIATIVES_PER_LEVEL = 6


def levels_with_initiatives() -> list[PreventionLevel]:
    """The public levels with their counts and, in `public_initiatives`, the first initiatives of each."""
    by_level = defaultdict(list)
    for initiative in first_initiatives():
        by_level[initiative.level_id].append(initiative)
    levels = public_levels()
    for level in levels:
        level.public_initiatives = by_level[level.pk]
    return levels


@prepared
def public_levels() -> QuerySet[PreventionLevel]:
    return PreventionLevel.objects.public().select_related("source").with_counts()


@prepared
def first_initiatives() -> QuerySet[Initiative]:
    """The first public initiatives of each level, in the order in which its page lists them."""
    place = Window(RowNumber(), partition_by=F("level"), order_by=["position", "name"])
    rows = Initiative.objects.public().annotate(place=place).filter(place__lte=INITIATIVES_PER_LEVEL)
    return rows.select_related("source").order_by("position", "name")
