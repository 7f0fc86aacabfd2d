"""The lists in which a new public page is easily forgotten. The sitemap is compared in `test_pages.py`."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.access_matrix import NAMED_ADDRESSES, STAFF
from tests.support.addresses import model_of, url_patterns
from vru_portal.public.site_pages import PAGES

pytestmark = pytest.mark.once

# Search is where people are when they see results, and the gaps are for staff unless the unit publishes them.
NOT_FOUND_BY_SEARCH = {"/", "/search/", "/gaps/"}
# For programs and browsers: docs/declaration.md describes the files of the register.
NOT_IN_DOCS = re.compile(
    r"/(robots\.txt|brand\.css|\.well-known/.*|declaration/register[./].*)|.*\.<>|/(pictures|documents)/.*"
)
LINKED_BY_EMAIL = re.compile(r"/(declaration/(sign|ask)|results/return|onward-grants/report)")


def public_patterns() -> dict[str, str]:
    """Return the address of each public page by its name, with <> for the part that names a record."""
    found = {}
    for address, name in url_patterns():
        read_by = NAMED_ADDRESSES.get(name, ("", ""))[0]
        if "." in read_by and STAFF in read_by and not model_of(address):
            found[name] = "/" + re.sub(r"<[^>]*>", "<>", address)
    return {name: address for name, address in found.items() if not LINKED_BY_EMAIL.match(address)}


def test_search_finds_each_page_that_every_unit_has_or_it_is_declared_not_to():
    found = {page.name.rpartition(":")[2] for page in PAGES}
    pages = {
        address
        for name, address in public_patterns().items()
        if address.endswith("/") and "<" not in address and name not in found and not address.startswith("/admin/")
    }
    assert pages == NOT_FOUND_BY_SEARCH


def test_the_documentation_names_each_public_page_or_it_is_declared_not_to():
    text = Path(settings.BASE_DIR, "docs/public-pages.md").read_text(encoding="utf-8")
    named = {re.sub(r"<[^>]*>", "<>", address) for address in re.findall(r"`(/[^`?]*)", text)}
    missing = {
        address
        for address in public_patterns().values()
        if address not in named and not NOT_IN_DOCS.fullmatch(address) and not address.startswith("/admin/")
    }
    assert missing == set()
