"""The cost per person reached, as open data."""

from funding.costs import Cost, costs_of
from funding.models import Payment
from programmes.results.datasets import while_measured
from programmes.results.filters import FigureFilters
from programmes.results.models import ApprovedFigure, Measure
from vru_portal.tabular.datasets import Dataset, ListedRows, last_recorded
from vru_portal.tabular.writers import Column, Type
from vru_portal.web.addresses import full_url


def cost_rows(filters: FigureFilters) -> ListedRows[Cost]:
    if not Measure.objects.any():
        return ListedRows([])
    rows = filters.rows.select_related("measure", "approved__initiative__level", "approved__organisation")
    return ListedRows(costs_of(rows, filters.as_at))


COSTS: Dataset[Cost] = Dataset(
    name="cost-per-person",
    title="Cost per person reached",
    about="What was paid for an initiative, divided by the people it reached, of the same quarters: those of which the "
    "reach is published by everybody who was asked. One row for each initiative, measure of reach and financial year.",
    columns=(
        Column("initiative", "The initiative", lambda r: r.initiative.name),
        Column("initiative_slug", "Its name in addresses", lambda r: r.initiative.slug),
        Column("measure", "The measure of reach", lambda r: r.measure.name),
        Column("measure_slug", "The measure's name in addresses", lambda r: r.measure.slug),
        Column("year", "The financial year", lambda r: r.year, title="Financial year"),
        Column("quarters", "The quarters that count", lambda r: r.period),
        Column("paid", "Pounds paid in these quarters", lambda r: r.paid, Type.POUNDS),
        Column("reach", "People reached in these quarters", lambda r: r.reach, Type.COUNT),
        Column("each", "Pounds for each person: paid ÷ reach", lambda r: r.each, Type.POUNDS, "For each person"),
        Column("left_out", "Quarters with figures that are not complete", lambda r: r.left_out, Type.COUNT),
        Column(
            "url",
            "The page of the initiative",
            lambda r: full_url(r.initiative.get_absolute_url()),
            Type.ADDRESS,
            "Address",
        ),
    ),
    key=("initiative_slug", "measure_slug", "year"),
    filters=FigureFilters,
    rows=cost_rows,
    changed=while_measured(last_recorded(ApprovedFigure, Payment)),
    page="results:results",
    keywords=("results", "cost", "reach"),
)
