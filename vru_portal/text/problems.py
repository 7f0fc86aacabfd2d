"""All the problems of what somebody sent, reported together."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError

Problems = dict[str, list[ValidationError]]  # by field


@contextmanager
def collect_problems(problems: Problems) -> Iterator[None]:
    """Note a ValidationError instead of letting it hide those that come after it."""
    try:
        yield
    except ValidationError as error:
        error.update_error_dict(problems)


def raise_problems(problems: Problems) -> None:
    """Raise all that were noted as one ValidationError, if there are any."""
    if problems:
        raise ValidationError(problems)
