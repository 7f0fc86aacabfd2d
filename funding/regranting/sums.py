from typing import Any

from django.db.models import OuterRef, Subquery

from funding.models import OnwardGrant, Regranting
from funding.querysets.expressions import sum_of_amounts
from vru_portal.ledger.as_at import NOW, AsAt


def with_onward(allocations: Any, as_at: AsAt = NOW) -> Any:
    """Add `regrant_type`, and `onward`, what the recipient has reported as awarded on."""
    types = Regranting.objects.standing(as_at).filter(allocation=OuterRef("pk")).values("regrant_type")[:1]
    grants = OnwardGrant.objects.filter(as_at.counted_rows("awarded_on"), allocation=OuterRef("pk"))
    return allocations.annotate(regrant_type=Subquery(types), onward=sum_of_amounts(grants))
