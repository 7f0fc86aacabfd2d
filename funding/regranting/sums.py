from typing import Any

from django.db.models import OuterRef, Subquery

from funding.models import OnwardGrant, Regranting
from funding.querysets.expressions import sum_of_amounts
from vru_portal.ledger.cut_off import NOW, CutOff


def with_onward(allocations: Any, cut_off: CutOff = NOW) -> Any:
    """Add `regrant_type`, and `onward`, what the recipient has reported as awarded on."""
    types = Regranting.objects.standing(cut_off).filter(allocation=OuterRef("pk")).values("regrant_type")[:1]
    grants = OnwardGrant.objects.filter(cut_off.counted_rows("awarded_on"), allocation=OuterRef("pk"))
    return allocations.annotate(regrant_type=Subquery(types), onward=sum_of_amounts(grants))
