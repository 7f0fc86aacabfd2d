"""Counting words that visitors search for and no page has, so that staff can add synonyms.

Searches may hold anything, also names and addresses, and nothing is kept about anybody: of a search that looks as if it
did, nothing is noted; of others, only the single words that no page has, each without the others. A page that is only
read never writes to the database: it appends to a small file, which the timer counts.
"""

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from vru_portal.models import MissedWord

MAX_BYTES = 64_000  # between two runs of the timer, which comes every minute
MAX_MISSED_WORDS = 1_000
SHOWN_FROM = 3  # times: a word that one person typed once is not shown to anybody
KEEP_RARE, KEEP = timedelta(days=30), timedelta(days=365)

WORD = re.compile(r"[a-z]{3,30}")
# An address, a number that may be somebody's, or a capital letter inside, as names have it.
MAY_BE_PERSONAL = re.compile(r"@|\d{3}|://|www\.|\S\s+(?-i:[A-Z])")
MAX_WORDS = 5  # somebody who types more may be telling a story


def note(typed: str, missed: Iterable[str]) -> None:
    """Note the words of a search that no page has, unless the search may say something about somebody."""
    if MAY_BE_PERSONAL.search(typed) or len(typed.split()) > MAX_WORDS:
        return
    words = sorted({word for word in missed if WORD.fullmatch(word)})
    path = waiting()
    with suppress(OSError):  # nobody's search fails because the disk is full
        if words and (not path.exists() or path.stat().st_size < MAX_BYTES):
            with path.open("a", encoding="ascii") as file:
                file.write("".join(f"{word}\n" for word in words))


def waiting() -> Path:
    return Path(settings.VAR_DIR) / "missed-words"


def count_missed_words() -> int:
    """Add what was noted to the counts, and forget words that are old or rare. Returns how many words were counted."""
    taken = waiting().with_suffix(".taken")
    if not taken.exists():  # else an earlier run was interrupted
        try:
            waiting().rename(taken)
        except FileNotFoundError:
            return forget_old_words()
    words = Counter(filter(WORD.fullmatch, taken.read_text(encoding="ascii", errors="replace").split()))
    today = timezone.localdate()
    with transaction.atomic():
        for word, count in words.items():
            row, _ = MissedWord.objects.get_or_create(word=word, defaults={"last_on": today})
            MissedWord.objects.filter(pk=row.pk).update(count=F("count") + count, last_on=today)
        forget_old_words()
    taken.unlink()
    return len(words)


def often_missed() -> QuerySet[MissedWord]:
    """Words that were searched for several times, the last time not long ago, the most frequent first."""
    return MissedWord.objects.filter(count__gte=SHOWN_FROM, last_on__gte=timezone.localdate() - KEEP_RARE)


def forget_old_words() -> int:
    """Delete old and rare words. Returns 0, so that the timer logs nothing."""
    today = timezone.localdate()
    MissedWord.objects.filter(last_on__lt=today - KEEP).delete()
    MissedWord.objects.filter(count__lt=SHOWN_FROM, last_on__lt=today - KEEP_RARE).delete()
    rarest = MissedWord.objects.order_by("-count", "-last_on").values_list("pk", flat=True)[MAX_MISSED_WORDS:]
    MissedWord.objects.filter(pk__in=list(rarest)).delete()
    return 0
