"""The answers to a return: text as it was typed, by the names of the forms' fields, read into figures."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.core.exceptions import ValidationError

from programmes.results.models import BreakdownGroup, Measure
from programmes.results.rules.suppression import Counted, Hidden, suppressed_alone, suppressed_together
from vru_portal.ledger.money import parse_pounds
from vru_portal.text.cleaning import normalise_text
from vru_portal.text.problems import Problems, collect_problems, raise_problems
from vru_portal.text.sums import parse_count, parse_sum

WORDS = {"went_well": "What went well", "went_badly": "What did not go well"}
MAX_CHARACTERS = 500  # a sentence or two
SPEND, SPEND_LABEL = "spend", "What you spent on it in this quarter"


def total_name(measure: Measure) -> str:
    return f"measure-{measure.pk}"


def group_name(measure: Measure, group: BreakdownGroup) -> str:
    return f"measure-{measure.pk}-group-{group.pk}"


def plain(text: str) -> str:
    """A number in one form, so that “£1,250.00” is 1250; other texts without differences of spaces."""
    try:
        return f"{parse_sum(text).normalize():f}"
    except ValidationError:  # a sentence, or a number that nobody could mean
        return " ".join(text.split())


def same_answers(saved: Mapping[str, str], filled: Mapping[str, str]) -> bool:
    """Whether two people, or a spreadsheet, have written the same: empty answers do not count."""
    return filled_in(saved) == filled_in(filled)


def filled_in(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: plain(text) for name, text in sorted(typed.items()) if text.strip()}


def fingerprint(typed: Mapping[str, str]) -> str:
    """The same for the same answers: it tells whether they were changed, without keeping them twice."""
    return hashlib.sha256(json.dumps(filled_in(typed)).encode()).hexdigest()


@dataclass(frozen=True)
class Figure:
    """The count of a measure, and of its groups as far as they were counted."""

    measure: Measure
    count: int
    groups: dict[BreakdownGroup, int] = field(default_factory=dict)

    @property
    def counted(self) -> Counted[BreakdownGroup]:
        """Its counts, as `suppression` takes them."""
        found: dict[str, dict[BreakdownGroup, int]] = {}
        for group, count in self.groups.items():
            found.setdefault(str(group.breakdown_id), {})[group] = count
        return Counted(self.count, found)

    def limit(self, threshold: int) -> int:
        """The threshold for its measure: 0 for what is not a person."""
        return threshold if self.measure.counts_people else 0


def hidden_in(figures: Sequence[Figure], threshold: int) -> dict[Measure, Hidden[BreakdownGroup]]:
    """What must not be published of the figures of one version of a return, by measure (see also `earlier`)."""
    hidden = {figure.measure: suppressed_alone(figure.counted, figure.limit(threshold)) for figure in figures}
    for whole in figures:
        if parts := parts_of(whole, figures):
            of_whole, of_parts = suppressed_together(whole.counted, [part.counted for part in parts], threshold)
            hidden[whole.measure] = of_whole
            hidden |= {part.measure: found for part, found in zip(parts, of_parts, strict=True)}
    return hidden


def parts_of(whole: Figure, figures: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.measure.part_of_id == whole.measure.pk]


@dataclass(frozen=True)
class Answers:
    """What a return reports."""

    figures: list[Figure]
    went_well: str
    went_badly: str
    spend: Decimal | None


def field_names(measures: Iterable[Measure]) -> Iterator[str]:
    """Yield the names of all fields of a return."""
    for measure in measures:
        yield total_name(measure)
        for breakdown in measure.breakdowns.all():
            yield from (group_name(measure, group) for group in breakdown.groups.all())
    yield from (*WORDS, SPEND)


def read_figure(measure: Measure, typed: Mapping[str, str], most: int | None = None) -> Figure | None:
    """The figure of a measure; None if nothing was entered. ``most`` is how many people there can be.

    Raises ValidationError by field name, with what to do.
    """
    errors: dict[str, str] = {}
    total = read_count(total_name(measure), typed, errors)
    groups: dict[BreakdownGroup, int] = {}
    for breakdown in measure.breakdowns.all():
        names = {group: group_name(measure, group) for group in breakdown.groups.all()}
        filled = {group: name for group, name in names.items() if typed.get(name, "").strip()}
        for group, name in names.items() if filled else ():
            if group not in filled:
                errors[name] = f"Enter a number for “{group}”. Enter 0 if there were none."
            elif (count := read_count(name, typed, errors)) is not None:
                groups[group] = count
        counted = [groups[group] for group in names if group in groups]
        if filled and total is None and total_name(measure) not in errors:
            errors[total_name(measure)] = f"Enter the total of “{measure}”."
        elif filled and total is not None and len(counted) == len(names) and sum(counted) != total:
            name = next(iter(names.values()))
            errors[name] = (
                f"By {str(breakdown).lower()} the numbers add up to {sum(counted):,}, but the total is {total:,}. "
                "Correct one of them."
            )
    if measure.counts_people and most is not None and total is not None and total > most:
        errors[total_name(measure)] = (
            f"{total:,} is more than the {most:,} people who live in the area that this initiative serves. Check it."
        )
    if errors:
        raise ValidationError(errors)
    return None if total is None else Figure(measure, total, groups)


def read_count(name: str, typed: Mapping[str, str], errors: dict[str, str]) -> int | None:
    text = typed.get(name, "")
    if not text.strip():
        return None
    try:
        return parse_count(text)
    except ValidationError as error:
        errors[name] = error.messages[0]
        return None


def read_words(typed: Mapping[str, str]) -> dict[str, str]:
    """The sentences. Raises ValidationError by field name."""
    found = {name: normalise_text(typed.get(name, "")).strip() for name in WORDS}
    if long := [name for name, text in found.items() if len(text) > MAX_CHARACTERS]:
        raise ValidationError(dict.fromkeys(long, f"Shorten this to {MAX_CHARACTERS} characters."))
    return found


def read_spend(typed: Mapping[str, str]) -> Decimal | None:
    """The spend. Raises ValidationError by field name."""
    text = typed.get(SPEND, "")
    if not text.strip():
        return None
    try:
        spend = parse_pounds(text)
    except ValidationError as error:
        raise ValidationError({SPEND: error.messages}) from error
    if spend < 0:
        raise ValidationError({SPEND: f"“{text.strip()[:40]}” is below £0. Enter what was spent, such as 1234.50."})
    if spend >= 1_000_000_000:
        raise ValidationError({SPEND: f"“{text.strip()[:40]}” is too much. Check the sum."})
    return spend


def require_parts_within(figures: Sequence[Figure]) -> None:
    """Raise ValidationError, by field name, for each number that is larger than the one of which it is part."""
    errors: dict[str, list[str]] = {}
    for whole in figures:
        for part in parts_of(whole, figures):
            pairs = [(total_name(part.measure), f"“{part.measure}”", part.count, whole.count)]
            pairs += [
                (group_name(part.measure, group), f"“{group}” of “{part.measure}”", count, whole.groups[group])
                for group, count in part.groups.items()
                if group in whole.groups
            ]
            for name, said, count, most in pairs:
                if count > most:
                    errors[name] = [
                        f"{said} is {count:,}, but everybody counted there also counts as “{whole.measure}”, which is "
                        f"{most:,}. Correct one of them."
                    ]
    if errors:
        raise ValidationError(errors)


def read_answers(measures: Iterable[Measure], typed: Mapping[str, str], most: int | None = None) -> Answers:
    """All answers. Raises ValidationError with every error, by field name, or if there is no figure at all."""
    problems: Problems = {}
    figures: list[Figure] = []
    words: dict[str, str] = dict.fromkeys(WORDS, "")
    spend = None
    for measure in measures:
        with collect_problems(problems):
            if figure := read_figure(measure, typed, most):
                figures.append(figure)
    with collect_problems(problems):
        require_parts_within(figures)
    with collect_problems(problems):
        words = read_words(typed)
    with collect_problems(problems):
        spend = read_spend(typed)
    raise_problems(problems)
    if not figures:
        raise ValidationError("Enter at least one figure. If there was nothing to count, enter 0.")
    return Answers(figures, words["went_well"], words["went_badly"], spend)
