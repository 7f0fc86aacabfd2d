"""What stays public of figures that were approved earlier: neither a correction nor a part named later hides any."""

from collections.abc import Iterator, Sequence
from itertools import product

from programmes.results.models import ApprovedFigure, Measure, Return
from programmes.results.models.figures import Suppressible
from programmes.results.rules.answers import Figure


def too_close_to_earlier(row: Return, figures: Sequence[Figure], threshold: int) -> Iterator[str]:
    """Yield a sentence for each published part of which the corrected whole would leave too few people."""
    published = ApprovedFigure.objects.filter(
        approved__initiative=row.initiative_id,
        approved__organisation=row.organisation_id,
        approved__quarter=row.quarter,
        measure__part_of__in=[figure.measure for figure in figures],
    )
    rows = published.select_related("approved", "measure").prefetch_related("parts__group")
    for one, counted in product(rows, figures):
        measure, whole = one.measure, counted.measure
        if measure.part_of_id != whole.pk:
            continue
        found: list[tuple[str, str, Suppressible, int | None]] = [(f"“{measure}”", f"“{whole}”", one, counted.count)]
        for part in one.parts.all():
            of_part, of_whole = (f"“{part.group}” of “{name}”" for name in (measure, whole))
            found.append((of_part, of_whole, part, counted.groups.get(part.group)))
        for part_name, whole_name, earlier, now in found:
            if now is not None and not earlier.is_suppressed and 0 <= now - earlier.count < threshold:
                yield (
                    f"Version {one.approved.number} stays public: {part_name} was {earlier.count:,}. Beside {now:,} "
                    f"for {whole_name}, that leaves fewer than {threshold} people, who could be recognised."
                )


def published_together(part: Measure) -> int:
    """How many published versions of figures have both this measure and the one of which it is part."""
    return ApprovedFigure.objects.filter(
        measure=part,
        is_suppressed=False,
        approved__figures__measure=part.part_of_id,
        approved__figures__is_suppressed=False,
    ).count()
