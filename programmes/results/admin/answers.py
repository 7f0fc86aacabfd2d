"""How the answers to a return are described on staff pages."""

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from programmes.results.models import BreakdownGroup, Measure, ReportingRules, Return, ReturnDraft
from programmes.results.rules.answers import SPEND, WORDS, Figure, hidden_in, read_figure
from programmes.results.rules.earlier import too_close_to_earlier
from programmes.results.rules.requests import measures_of
from programmes.results.rules.suppression import Hidden
from vru_portal.links.choices import DraftState
from vru_portal.text.dates import format_date

WILL_HIDE = " (will be suppressed)"


def draft_of(row: Return) -> ReturnDraft:
    """The draft of a return; an empty one that was approved, for a return whose people were never recorded here."""
    try:
        return row.draft
    except ObjectDoesNotExist:
        return ReturnDraft(return_of_figures=row, state=DraftState.APPROVED)


def answer_facts(row: Return) -> list[tuple[str, str]]:
    """What was entered, with what the rules say of it, what would not be published, and what stays public."""
    draft = draft_of(row)
    threshold = ReportingRules.current().threshold
    read: dict[Measure, Figure | str | None] = {}
    for measure in measures_of(row.initiative):
        try:
            read[measure] = read_figure(measure, draft.answers)
        except ValidationError as error:
            read[measure] = f"To be corrected: {' '.join(error.messages)}"
    figures = [found for found in read.values() if isinstance(found, Figure)]
    hidden = hidden_in(figures, threshold)
    facts = [
        (measure.name, figure_sentence(found, hidden[measure]) if isinstance(found, Figure) else found)
        for measure, found in read.items()
        if found
    ]
    labels = {**WORDS, SPEND: "Spend"}
    facts += [(label, draft.answers[name]) for name, label in labels.items() if draft.answers.get(name)]
    return facts + [("Check this", sentence) for sentence in too_close_to_earlier(row, figures, hidden, threshold)]


def why_empty(draft: ReturnDraft) -> str:
    """What to say where there are no answers."""
    if draft.erased_at is None:
        return "Nothing has been entered."
    return f"Any answers were erased with the personal data on {format_date(draft.erased_at)}. Nothing is held now."


def figure_sentence(figure: Figure, hidden: Hidden[BreakdownGroup]) -> str:
    """A figure with its groups, and which of them approving it would suppress."""
    groups = "; ".join(
        f"{group}: {count:,}{WILL_HIDE if group in hidden.groups else ''}" for group, count in figure.groups.items()
    )
    said = f"{figure.count:,} {figure.measure.unit}{WILL_HIDE if hidden.total else ''}"
    return f"{said}. Of these: {groups}" if groups else said
