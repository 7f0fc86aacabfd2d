"""The events as open data."""

from events.filters import EventFilters
from events.models import Event
from vru_portal.tabular.datasets import Dataset, QueryRows, last_changed, page_column, source_columns
from vru_portal.tabular.writers import Column, Type
from vru_portal.text.dates import iso_time

EVENTS: Dataset[Event] = Dataset(
    name="events",
    title="Events",
    about="Past and future events. One row for each event.",
    columns=(
        Column("slug", "Its slug: the last part of its web address", lambda e: e.slug),
        Column("title", "Its title", lambda e: e.title),
        Column("held_on", "The day of the event, or its first day", lambda e: e.held_on, Type.DATE, "Date"),
        Column("ends_on", "Its last day, if it lasts longer than one", lambda e: e.ends_on, Type.DATE, "Last day"),
        Column("starts_at", "When it begins, if stated", lambda e: iso_time(e.starts_at), title="Start"),
        Column("ends_at", "When it ends, if stated", lambda e: iso_time(e.ends_at), title="End"),
        Column("status", "Whether it is on, postponed or cancelled", lambda e: e.get_status_display()),
        Column("times", "When it begins and ends, as stated", lambda e: e.times),
        Column("venue", "Where it takes place, as stated", lambda e: e.venue),
        Column("place", "The town or city", lambda e: e.place),
        Column("summary", "What it is, in one sentence", lambda e: e.summary),
        page_column(),
        *source_columns(),
    ),
    key=("slug",),
    filters=EventFilters,
    rows=lambda filters: QueryRows(filters.rows.select_related("source"), count=filters.count),
    changed=last_changed(Event),
    page="events:events",
    keywords=("events",),
)

DATASETS = (EVENTS,)
