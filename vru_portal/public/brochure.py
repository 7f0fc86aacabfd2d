"""The unit's brochure, made from what the portal has published: the same content for the page and for the PDF."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from events.agenda import agenda_items
from events.choices import ItemKind
from events.models import AgendaItem, Appearance, Event
from funding.bars import source_parts
from funding.models import FinancialYear, FundingSource
from partners.choices import ContactKind, PublicationKind, Seat
from partners.models import ContactPoint, Person, Post, Publication, Statement, Unit
from programmes.models import Initiative, Passage, Predecessor, PreventionLevel, SuccessCondition, Term
from programmes.presenters.levels import levels_with_initiatives
from programmes.templatetags.programmes import stacks_of
from programmes.typesetting import design_data, note_parts, text_nodes, timestamp_of
from programmes.views import public_conditions, public_predecessors, public_terms
from vru_portal.ledger.money import format_pounds
from vru_portal.public.home import of_latest_budget, standing_sources
from vru_portal.text.cleaning import one_line
from vru_portal.text.dates import format_date
from vru_portal.text.typesetting import compile_pdf, qr_code_svg
from vru_portal.web.addresses import full_url
from vru_portal.web.prepared_queries import prepared

MAX_MESSAGES = 12  # each takes a page
TALLEST_STACK = 84  # millimetres of the cover
LARGEST_SHAPE = 24  # millimetres


@dataclass(frozen=True)
class Brochure:
    """What the brochure says. The first event with an agenda is its occasion, and that event's year its budget."""

    unit: Unit
    passages: dict[str, Passage]
    levels: list[PreventionLevel]
    event: Event | None
    items: list[AgendaItem]
    year: FinancialYear | None
    sources: list[FundingSource]
    statements: list[Statement]
    posts: list[Post]
    conditions: list[SuccessCondition]
    definition: Term | None
    predecessors: list[Predecessor]

    @property
    def budget(self) -> Decimal | None:
        """The budget as stated, or the sum of its sources."""
        return self.year.budget(self.sources) if self.year else None

    @property
    def agenda(self) -> list[AgendaItem]:
        return [item for item in self.items if item.kind != ItemKind.CLOSED]

    @property
    def closed(self) -> list[AgendaItem]:
        return [item for item in self.items if item.kind == ItemKind.CLOSED]

    @property
    def executives(self) -> list[Post]:
        return [post for post in self.posts if post.seat == Seat.EXECUTIVE]

    @property
    def team(self) -> list[Post]:
        return [post for post in self.posts if post.seat == Seat.TEAM]

    @property
    def initiatives(self) -> list[Initiative]:
        return [initiative for level in self.levels for initiative in level.public_initiatives]

    @property
    def original(self) -> Publication | None:
        """The brochure that the event is taken from, which this one is not."""
        source = self.event.source if self.event else None
        return source if source and source.is_public and source.kind == PublicationKind.BROCHURE else None

    @property
    def any_sensitive(self) -> bool:
        return any(initiative.sensitive_topic for initiative in self.initiatives)

    def title(self, slot: str) -> str:
        """The heading of a passage, or else the portal's own wording of it."""
        passage = self.passages.get(slot)
        return passage.title if passage and passage.title else self.unit.phrase(slot)


def read_brochure() -> Brochure:
    """Read the published content that the brochure shows."""
    event = next(iter(first_events_with_agenda()), None)
    year, sources = budget_of(event)
    return Brochure(
        unit=Unit.objects.current(),
        passages=Passage.objects.in_slots("home_", "about_", "initiatives_", "partners_", "contact_"),
        levels=levels_with_initiatives(),
        event=event,
        items=agenda_items(event) if event else [],
        year=year,
        sources=sources,
        statements=statements_of_brochure(),
        posts=[post for post in posts_in_order() if post.has_seat],
        conditions=public_conditions(),
        definition=next((term for term in public_terms() if term.defines_violence), None),
        predecessors=public_predecessors(),
    )


@prepared
def first_events_with_agenda() -> QuerySet[Event]:
    return Event.objects.public().with_agenda().select_related("source").order_by("held_on", "title")[:1]


@prepared
def statements_of_brochure() -> QuerySet[Statement]:
    return Statement.objects.public().select_related("source", "speaker")[:MAX_MESSAGES]


@prepared
def posts_in_order() -> QuerySet[Post]:
    return Post.objects.public().with_names().exclude(seat="").order_by("position", "id")


def budget_of(event: Event | None) -> tuple[FinancialYear | None, list[FundingSource]]:
    """The sources of the financial year in which the event was held, or else of the latest year."""
    standing = standing_sources()
    of_event = [row for row in standing if event and row.year.starts_on <= event.held_on <= row.year.ends_on]
    sources = of_event or of_latest_budget(standing)
    return (sources[0].year, sources) if sources else (None, [])


# The same as data, for the PDF ----------------------------------------------------------------------------------------


def write_brochure_pdf(file: IO[bytes]) -> None:
    """Typeset the brochure on A4, as a tagged PDF."""
    data = json.dumps(brochure_data(read_brochure()))
    file.write(compile_pdf("brochure", data, timestamp_of(timezone.localdate())))


def brochure_data(brochure: Brochure) -> dict[str, Any]:
    """The data of templates/pdf/brochure.typ: text only, with Markdown parsed."""
    unit = brochure.unit
    before, emphasis, after = unit.slogan_parts
    slogan = [{"text": text, "accent": text is emphasis} for text in (before, emphasis, after) if text]
    per, stacks = stacks_of(brochure.levels)
    levels_leads = ("home_levels", "initiatives_lead")
    return {
        **design_data(unit),
        "title": f"{unit.name}: brochure",
        "slogan": slogan,
        "vision": unit.vision,
        "shape": min(LARGEST_SHAPE, TALLEST_STACK / max([1, *stacks])),
        "each": f"Each shape stands for up to {per} initiatives." if per > 1 else "",
        "event": event_data(brochure) if brochure.event else None,
        "money": money_data(brochure) if brochure.year else None,
        "levels": [level_data(unit, level, stack) for level, stack in zip(brochure.levels, stacks, strict=True)],
        "levels_title": brochure.title("home_levels"),
        "levels_lead": [node for slot in levels_leads for node in passage_nodes(brochure, slot)],
        "levels_note": note_parts(brochure.levels, brochure.initiatives, *map(brochure.passages.get, levels_leads)),
        "messages": messages_data(brochure.statements),
        **people_data(brochure),
        **about_data(brochure),
        **contact_data(brochure),
    }


def passage_nodes(brochure: Brochure, slot: str, *, below: int = 1) -> list[dict[str, Any]]:
    passage = brochure.passages.get(slot)
    return text_nodes(passage.body, below=below) if passage else []


def event_data(brochure: Brochure) -> dict[str, Any]:
    event = brochure.event
    assert event is not None  # noqa: S101
    return {
        "title": event.title,
        "day": format_date(event.held_on),
        "location": event.location,
        "times": event.times,
        "items": [item_data(item) for item in brochure.agenda],
        "closed": [item_data(item) for item in brochure.closed],
        "note": note_parts(event, brochure.items, note="Job titles are as the source gives them."),
    }


def item_data(item: AgendaItem) -> dict[str, Any]:
    appearances: Sequence[Appearance] = item.public_appearances  # type: ignore[attr-defined] # from the prefetch
    return {
        "number": item.position,
        "title": item.title,
        "kind": item.kind,
        "text": one_line(item.text),
        "who": [appearance_text(appearance) for appearance in appearances],
    }


def appearance_text(appearance: Appearance) -> str:
    """Who appeared, in which post, with what."""
    name = appearance.person.full_name if appearance.person else str(appearance.organisation)
    post = appearance.post.described if appearance.post else ""
    return ", ".join(part for part in (name, post, appearance.description) if part)


def money_data(brochure: Brochure) -> dict[str, Any]:
    year, sources = brochure.year, brochure.sources
    assert year is not None  # noqa: S101
    return {
        "budget": format_pounds(year.budget(sources)),
        "lead": passage_nodes(brochure, "home_money"),
        "sources": source_parts(sources),
        "purpose": text_nodes(year.purpose, below=1),
        "gate": text_nodes(year.gate, below=1),
        "deadline": f"Must be spent {year.deadline}" if year.deadline else "",
        "note": note_parts(brochure.passages.get("home_money"), year, sources, note=year.label_note),
    }


def level_data(unit: Unit, level: PreventionLevel, stack: int) -> dict[str, Any]:
    hidden = level.initiative_count - len(level.public_initiatives)
    return {
        "name": level.name,
        "title": level.full_name,
        "moment": level.moment,
        "mark": level.mark,
        "count": level.initiative_count,
        "shapes": stack,
        "definition": text_nodes(level.definition, below=2),
        "initiatives": [
            {"name": initiative.name, "description": text_nodes(initiative.description, below=3)}
            for initiative in level.public_initiatives
        ],
        "none": "" if level.public_initiatives else unit.phrase("home_level_none"),
        "more": f"All {level.initiative_count} initiatives at this level" if hidden else "",
        "address": full_url(level.get_absolute_url()),
    }


def messages_data(statements: list[Statement]) -> list[dict[str, Any]]:
    speakers: Any = Person.objects.with_posts().in_bulk([row.speaker_id for row in statements if row.speaker_id])
    return [
        message_data(statement, getattr(speakers.get(statement.speaker_id), "public_posts", ()))
        for statement in statements
    ]


def message_data(statement: Statement, posts: Iterable[Post]) -> dict[str, Any]:
    return {
        "title": statement.title,
        "quote": one_line(statement.quote),
        "who": statement.attributed_to,
        "posts": "; ".join(post.described for post in posts),
        "text": text_nodes(statement.text, below=1),
        "note": note_parts(statement),
    }


def people_data(brochure: Brochure) -> dict[str, Any]:
    lead, team = brochure.passages.get("partners_lead"), brochure.passages.get("partners_team")
    return {
        "executives": [post_data(post) for post in brochure.executives],
        "team": [post_data(post) for post in brochure.team],
        "team_title": team.title if team and team.title else "The team",
        "partners_lead": passage_nodes(brochure, "partners_lead"),
        "team_lead": passage_nodes(brochure, "partners_team", below=2),
        "people_note": note_parts(lead, brochure.posts, team),
    }


def post_data(post: Post) -> dict[str, str]:
    return {
        "name": post.person.full_name,
        "title": ", ".join(part for part in (post.title, post.department) if part),
        "organisation": str(post.organisation or ""),
    }


def about_data(brochure: Brochure) -> dict[str, Any]:
    definition = brochure.definition
    defined_by = definition.defined_by if definition else None
    shown: Iterable[Any] = (
        definition,
        *(brochure.passages.get(f"about_{slot}") for slot in ("violence", "approach", "building")),
        brochure.predecessors,
    )
    return {
        "conditions_title": brochure.title("about_conditions"),
        "conditions_lead": passage_nodes(brochure, "about_conditions"),
        "conditions": [
            {
                "number": condition.number,
                "title": condition.title,
                "text": text_nodes(condition.text, below=2),
                "level": condition.level.full_name if condition.level and condition.level.is_public else "",
                "mark": condition.level.mark if condition.level else "",
            }
            for condition in brochure.conditions
        ],
        "conditions_note": note_parts(brochure.conditions, brochure.passages.get("about_conditions")),
        "about_title": brochure.title("about_violence"),
        "violence_lead": passage_nodes(brochure, "about_violence"),
        "definition": {
            "text": one_line(definition.definition),
            "by": defined_by.name if defined_by and defined_by.is_public else "",
        }
        if definition
        else None,
        "approach_title": brochure.title("about_approach"),
        "approach": passage_nodes(brochure, "about_approach", below=2),
        "predecessors_title": brochure.title("about_building"),
        "predecessors_lead": passage_nodes(brochure, "about_building", below=2),
        "predecessors": [
            {"title": row.title, "text": text_nodes(row.description, below=2)} for row in brochure.predecessors
        ],
        "about_note": note_parts(*shown),
    }


def contact_data(brochure: Brochure) -> dict[str, Any]:
    home = full_url(reverse("home"))
    points = brochure.unit.contact_list
    return {
        "contact_lead": passage_nodes(brochure, "contact_lead"),
        "contacts": [contact_point_data(point) for point in points],
        "contact_note": note_parts(brochure.passages.get("contact_lead"), points),
        "address": home,
        "address_shown": settings.PORTAL_URL.partition("://")[2],
        "qr": qr_code_svg(home),
        "made_on": format_date(timezone.localdate()),
        "original": brochure.original.title if brochure.original else "",
    }


def contact_point_data(point: ContactPoint) -> dict[str, Any]:
    is_address = point.kind == ContactKind.POST
    return {
        "label": point.label or point.get_kind_display(),
        "lines": point.value.splitlines() if is_address else [one_line(point.value)],
        "to": "" if is_address else point.href,
        "note": point.note,
    }
