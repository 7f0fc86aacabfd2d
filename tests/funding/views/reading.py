"""Reading the pages of the money."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import time_machine

from tests.support.crawler import Elements

LONDON = ZoneInfo("Europe/London")


def on(day):
    """Be at noon of a day."""
    return time_machine.travel(datetime(day.year, day.month, day.day, 12, tzinfo=LONDON), tick=False)


def text_of(response):
    assert response.status_code == 200
    return Elements(response.text).text.replace("\u00a0", " ")


def sums(response, name):
    """Return the sums that carry this mark, as reconcile reads them."""
    return re.findall(rf'data-sum="{name}"[^>]*>([^<]*)<', response.text)
