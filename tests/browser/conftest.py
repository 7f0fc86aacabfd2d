"""One served portal with the launch content, and headless Chromium, for all browser tests."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.browser import SECONDS_TO_ANSWER, in_sitemap, some_of_each_kind, visitor
from tests.support.processes.databases import Template
from tests.support.processes.portal_process import Portal, free_port, portal, run

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# What one worker opens in one browser: files that ask the same portal.
GROUPS = dict.fromkeys(
    ("test_journeys", "test_staff", "test_staff_forms", "test_every_page", "test_sizes_and_directions"), "launch"
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--process-per-site",  # one process for all tabs: what each page does is the same
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; where there is no Chromium, skip them and say so."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(f"browser {GROUPS.get(item.path.stem, item.path.stem)}"))
            if CHROMIUM is None:
                reason = f"No Chromium on PATH (looked for {', '.join(NAMES)}): browser tests are skipped"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, template: Template) -> Iterator[Portal]:
    """A portal with the launch content; “Exit this page” leads to its own /healthz, never off this machine."""
    port = free_port()
    folder = tmp_path_factory.mktemp("browser") / "var"
    template.put_unit(folder)
    with portal(folder, PORT=port, EXIT_URL=f"http://127.0.0.1:{port}/healthz", WORKERS=1) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. It ends with this folder: while it runs, Django would refuse to use the database."""
    expect.set_options(timeout=SECONDS_TO_ANSWER * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, site: Portal) -> Iterator[BrowserContext]:
    """A fresh visitor."""
    found = visitor(chromium, site).context
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A fresh visitor's page."""
    return context.pages[0]


@pytest.fixture(scope="package")
def addresses(site: Portal) -> list[str]:
    """Every public page, and the states that a visitor can bring a page into."""
    found = in_sitemap(site)
    levels = [address.split("/")[2] for address in found if address.startswith("/prevention/")]
    states = (
        "/initiatives/?sort=name",
        f"/initiatives/?level={levels[0]}&q=school",
        "/initiatives/?q=nothingwhatever",
        f"/initiatives/?level={levels[-1]}&setting=no-such",
        "/search/",
        "/search/?q=knife",
        "/search/?q=domestic+abuse&kind=initiatives",
        "/search/?q=nothingwhatever",
        "/publications/?kind=brochure",
        "/partners/?sort=name",
        "/events/?sort=latest",
        "/payments/?year=2019-20",
        "/payments/totals/?by=month",
        "/news/?q=nothingwhatever",
        "/no-such-page/",
    )
    assert len(found) > 50
    return [*found, *states]


@pytest.fixture(scope="package")
def kinds(addresses: list[str]) -> list[str]:
    """Up to two pages of each kind: what a style sheet does to one, it does to all."""
    return some_of_each_kind(addresses, 2)


ROLES = ("Editor", "Publisher", "Finance", "Declaration manager", "Administrator")


@pytest.fixture(scope="package")
def password(site):
    """The password of somebody who is everything in a small unit, as if they had chosen it themselves."""
    roles = [part for role in ROLES for part in ("--role", role)]
    said = run(site.folder, "staff", "add", "sam", *roles, PORT=site.port)
    assert said.returncode == 0, said.stderr
    chosen = "from vru_portal.models import FirstPassword; FirstPassword.objects.all().delete()"
    assert run(site.folder, "shell", "-v0", "-c", chosen, PORT=site.port).returncode == 0
    return re.findall(r"Password: (\S+)", said.stdout)[0]


def sign_in(page, password):
    page.goto("/admin/")
    page.locator("[name=login]").fill("sam")
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/admin/")
