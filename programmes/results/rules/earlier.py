"""Warnings about earlier versions, which stay public: neither a correction nor a part named later hides them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from django.db.models import Q

from programmes.results.models import ApprovedFigure, BreakdownGroup, Measure, Return
from programmes.results.models.figures import Suppressible
from programmes.results.rules.answers import Figure
from programmes.results.rules.suppression import Hidden


def too_close_to_earlier(
    row: Return, figures: Sequence[Figure], hidden: Mapping[Measure, Hidden[BreakdownGroup]], threshold: int
) -> Iterator[str]:
    """Yield a sentence for each published part or whole that, with a new figure, would reveal too few people.

    ``hidden`` is what would be suppressed of the new figures: those reveal nothing.
    """
    measures = [figure.measure for figure in figures]
    published = ApprovedFigure.objects.filter(
        Q(measure__part_of__in=measures) | Q(measure__in=[measure.part_of_id for measure in measures]),
        approved__initiative=row.initiative_id,
        approved__organisation=row.organisation_id,
        approved__quarter=row.quarter,
    )
    rows = published.select_related("approved", "measure").prefetch_related("parts__group")
    for earlier, now in product(rows, figures):
        if earlier.measure.part_of_id == now.measure.pk:
            sign = 1
        elif now.measure.part_of_id == earlier.measure_id:
            sign = -1
        else:
            continue
        unseen = hidden[now.measure]
        pairs: list[tuple[str, str, Suppressible, int | None]] = []
        if not unseen.total:
            pairs.append((f"“{earlier.measure}”", f"“{now.measure}”", earlier, now.count))
        for part in earlier.parts.all():
            if part.group not in unseen.groups:
                old, new = (f"“{part.group}” of “{measure}”" for measure in (earlier.measure, now.measure))
                pairs.append((old, new, part, now.groups.get(part.group)))
        for earlier_name, name, one, count in pairs:
            if count is not None and not one.is_suppressed and 0 <= sign * (count - one.count) < threshold:
                yield (
                    f"Version {earlier.approved.number} stays public: {earlier_name} was {one.count:,}. Compared "
                    f"with {count:,} for {name}, that leaves fewer than {threshold} people, who could be recognised."
                )


def published_together(part: Measure) -> int:
    """How many published versions of figures have both this measure and the one of which it is part."""
    return ApprovedFigure.objects.filter(
        measure=part,
        is_suppressed=False,
        approved__figures__measure=part.part_of_id,
        approved__figures__is_suppressed=False,
    ).count()
