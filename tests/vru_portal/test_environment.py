import json
import os
import re
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from tests.support.processes.portal_process import SECONDS_TO_START
from vru_portal.environment import (
    checked_secret_key,
    embedded_secret_key,
    parse_log_format,
    parse_monitoring_token,
    parse_port,
    parse_portal_url,
    postgresql_options,
    sqlite_journal_mode,
)

pytestmark = pytest.mark.once

KEY = "k" * 50


# Read from the environment, but set for one command or by `serve`, so not in .env.
NOT_IN_ENV_FILE = {"BACKUP_PASSPHRASE", "PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE"}


def test_env_example_explains_exactly_the_settings_that_are_read():
    packages = ("vru_portal", "partners", "programmes", "funding", "events")
    modules = [path for package in packages for path in Path(settings.BASE_DIR, package).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    read = {*re.findall(r'\bsetting\("([A-Z_]+)"', code)}
    read |= {*re.findall(r'os\.environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)"', code)} - NOT_IN_ENV_FILE
    example = Path(settings.BASE_DIR, ".env.example").read_text(encoding="utf-8")
    assert {*re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)} == read


def address(value):
    found = parse_portal_url(value)
    return found.origin, found.allowed_hosts, found.is_loopback, found.is_secure, found.port


LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "https://moor.example.org",
            ("https://moor.example.org", ["moor.example.org"], False, True, None),
        ),
        (
            "https://moor.example.org/",
            ("https://moor.example.org", ["moor.example.org"], False, True, None),
        ),
        (
            "  https://moor.example.org:8443 ",
            ("https://moor.example.org:8443", ["moor.example.org"], False, True, 8443),
        ),
        (
            "HTTPS://Moor.Example.ORG",
            ("https://moor.example.org", ["moor.example.org"], False, True, None),
        ),
        ("http://10.0.0.7:80", ("http://10.0.0.7", ["10.0.0.7"], False, False, 80)),
        (
            "https://moor.example.org:443",
            ("https://moor.example.org", ["moor.example.org"], False, True, 443),
        ),
        ("http://localhost:8000", ("http://localhost:8000", LOOPBACK, True, False, 8000)),
        ("http://127.0.0.1", ("http://127.0.0.1", LOOPBACK, True, False, None)),
        ("http://[::1]:9000", ("http://[::1]:9000", LOOPBACK, True, False, 9000)),
    ],
)
def test_portal_url_gives_the_origin_as_a_browser_sends_it_and_the_hosts_to_answer_to(value, expected):
    assert address(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "moor.example.org",
        "localhost:8000",
        "ftp://moor.example.org",
        "https://",
        "https:///path",
        "https://moor.example.org/portal",
        "https://moor.example.org?x=1",
        "https://moor.example.org#top",
        "https://user:password@moor.example.org",
        "https://@moor.example.org",
        "https://moor example.org",
        "https://moor.example.org:port",
        "https://moor.example.org:99999",
        "https://[::1",
        "https://*",
        "https://.example.org",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_portal_url_that_is_more_or_less_than_scheme_and_host_is_refused_by_name(value):
    with pytest.raises(ImproperlyConfigured, match=r"^PORTAL_URL must be only a scheme and a host"):
        parse_portal_url(value)


@pytest.mark.parametrize(("value", "port"), [("1", 1), ("8000", 8000), ("65535", 65535), ("00080", 80)])
def test_a_port_is_read(value, port):
    assert parse_port(value) == port


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80.0", "8000 ", "eighty", "²", "٨٠", "", "1_000", "9" * 5000])
def test_an_invalid_port_is_refused_by_name(value):
    with pytest.raises(ImproperlyConfigured, match=r"^PORT must be a number from 1 to 65535"):
        parse_port(value)


def test_a_short_secret_key_is_refused_with_the_way_to_make_one():
    assert checked_secret_key(KEY) == KEY
    with pytest.raises(ImproperlyConfigured, match=r"^Set SECRET_KEY to at least 50 random characters"):
        checked_secret_key(KEY[1:])


@pytest.mark.parametrize("value", ["m" * 31, "m" * 40 + " ", "é" * 40, "m" * 40 + '"'])
def test_a_token_for_monitoring_that_could_be_guessed_or_not_be_sent_is_refused_with_the_way_to_make_one(value):
    with pytest.raises(ImproperlyConfigured, match=r"^MONITORING_TOKEN must be at least 32 .*token_urlsafe\(32\)"):
        parse_monitoring_token(value)


def test_a_token_for_monitoring_is_read_and_may_be_left_out():
    token = secrets.token_urlsafe(32)
    assert (parse_monitoring_token(token), parse_monitoring_token("")) == (token, "")


def test_the_logs_format_is_one_of_two():
    assert (parse_log_format("text"), parse_log_format("json")) == ("text", "json")
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT must be text or json"):
        parse_log_format("JSON")


def test_the_embedded_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    folder, other = tmp_path / "var", tmp_path / "other"
    for made in (folder, other):
        made.mkdir()
    first = embedded_secret_key(folder)
    assert len(first) >= 50
    assert embedded_secret_key(folder) == first
    assert [path.name for path in folder.iterdir()] == ["secret-key"]
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert embedded_secret_key(other) != first


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    program = (
        "import sys; from pathlib import Path; from vru_portal.environment import embedded_secret_key;"
        "sys.stdin.read(); print(embedded_secret_key(Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=settings.BASE_DIR,
        )
        for _ in range(6)
    ]
    for process in processes:  # each has started and waits for this
        assert process.stdin
        process.stdin.close()
    keys = set()
    for process in processes:
        assert process.stdout
        keys.add(process.stdout.read().strip())
        process.stdout.close()
        assert process.wait(SECONDS_TO_START) == 0
    assert keys == {embedded_secret_key(tmp_path)}
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_key_cut_short_on_disk_is_refused(tmp_path):
    (tmp_path / "secret-key").write_text("half")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        embedded_secret_key(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_with_the_setting_to_change(tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "var"
    with pytest.raises(ImproperlyConfigured) as caught:
        embedded_secret_key(folder)
    assert str(caught.value) == (
        f"{folder} cannot be written (Not a directory). Make it writable, or set VAR_DIR to a folder that is."
    )


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "TRUNCATE"),
        ((3, 44, 5), "TRUNCATE"),
        ((3, 44, 6), "WAL"),
        ((3, 44, 99), "WAL"),
        ((3, 45, 0), "TRUNCATE"),
        ((3, 50, 6), "TRUNCATE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 0), "TRUNCATE"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_wal_is_used_only_where_sqlite_loses_no_commit_in_it(version, mode):
    assert sqlite_journal_mode(version) == mode


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, {"connect_timeout": 5, "options": "-c lock_timeout=20s"}),
        (
            {"connect_timeout": 9, "sslmode": "require", "options": "-c lock_timeout=3s -c search_path=vru"},
            {
                "connect_timeout": 9,
                "sslmode": "require",
                "options": "-c lock_timeout=20s -c lock_timeout=3s -c search_path=vru",  # the last one counts
            },
        ),
    ],
)
def test_nobody_waits_for_ever_for_postgresql_unless_its_address_says_so(stated, expected):
    assert postgresql_options(stated) == expected


def manage(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    unset = ("DATABASE_URL", "PORTAL_URL", "PORT", "SECRET_KEY", "WORKERS", "BIND", "DEBUG", "EXIT_URL")
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=clean | {"VAR_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_START,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DATABASE_URL": "postgres://u@127.0.0.1:1/x"}, "SECRET_KEY"),
        ({"DATABASE_URL": "postgres://u@127.0.0.1:1/x", "SECRET_KEY": KEY[1:]}, "SECRET_KEY"),
        ({"PORTAL_URL": "https://moor.example.org"}, "SECRET_KEY"),
        ({"PORTAL_URL": "moor.example.org", "SECRET_KEY": KEY}, "PORTAL_URL"),
        ({"PORTAL_URL": "https://moor.example.org/x", "SECRET_KEY": KEY}, "PORTAL_URL"),
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"WORKERS": "many"}, "WORKERS"),
        ({"DATABASE_URL": "mysql://u:p@127.0.0.1/x", "SECRET_KEY": KEY}, "DATABASE_URL"),
        ({"DATABASE_URL": "banana", "SECRET_KEY": KEY}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://u@127.0.0.1:port/x", "SECRET_KEY": KEY}, "DATABASE_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_a_wrong_setting_stops_the_start_with_one_sentence_that_names_it(tmp_path, environment, named):
    result = manage(tmp_path, "check", **environment)
    assert result.returncode == 1
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("The portal cannot start: ")
    assert named in lines[0]


def test_an_unwritable_var_stops_the_start_with_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = manage(tmp_path / "file" / "var", "check")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"The portal cannot start: {tmp_path}/file/var cannot be written (Not a directory). "
        "Make it writable, or set VAR_DIR to a folder that is.\n"
    )


READ = """
import json
from django.conf import settings as s
cookies = [s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.COOKIE_PREFIX]
cookies += [s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT]
address = [s.EMBEDDED, s.PORTAL_URL, s.PORT, s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS]
print(json.dumps([*address, *cookies, s.SECURE_HSTS_SECONDS, s.DEBUG, s.DATABASES["default"]["ENGINE"].split(".")[-1]]))
"""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {},
            [
                True,
                "http://localhost:8000",
                8000,
                LOOPBACK,
                ["http://localhost:8000"],
                "sessionid",
                "csrftoken",
                "",
                False,
                False,
                False,
                0,
                False,
                "sqlite3",
            ],
        ),
        (
            {"PORT": "8123"},
            [
                True,
                "http://localhost:8123",
                8123,
                LOOPBACK,
                ["http://localhost:8123"],
                "sessionid",
                "csrftoken",
                "",
                False,
                False,
                False,
                0,
                False,
                "sqlite3",
            ],
        ),
        (
            {"PORTAL_URL": "http://127.0.0.1:8124"},
            [
                True,
                "http://127.0.0.1:8124",
                8124,
                LOOPBACK,
                ["http://127.0.0.1:8124"],
                "sessionid",
                "csrftoken",
                "",
                False,
                False,
                False,
                0,
                False,
                "sqlite3",
            ],
        ),
        (
            {
                "PORTAL_URL": "https://moor.example.org",
                "SECRET_KEY": KEY,
                "DATABASE_URL": "postgres://u:p@db/x",
            },
            [
                False,
                "https://moor.example.org",
                8000,
                ["moor.example.org"],
                ["https://moor.example.org"],
                "__Host-sessionid",
                "__Host-csrftoken",
                "__Host-",
                True,
                True,
                True,
                31_536_000,
                False,
                "postgresql",
            ],
        ),
    ],
    ids=["nothing set", "a port", "a loopback address", "production"],
)
def test_hosts_cookies_and_hsts_follow_from_the_one_address(tmp_path, environment, expected):
    result = manage(tmp_path, "shell", "--no-imports", "-c", READ, **environment)
    assert result.stderr == ""
    assert json.loads(result.stdout) == expected


def test_the_deployment_check_finds_nothing_on_an_https_address(tmp_path):
    result = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        PORTAL_URL="https://moor.example.org",
        SECRET_KEY=secrets.token_urlsafe(50),
        TRUSTED_PROXIES="1",
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("address", "proxies", "warned"),
    [
        ("https://moor.example.org", 0, True),
        ("https://moor.example.org", 1, False),
        ("http://localhost:8000", 0, False),
    ],
)
def test_a_proxy_that_the_portal_does_not_know_of_is_warned_about(settings, address, proxies, warned):
    settings.ADDRESS, settings.TRUSTED_PROXIES = parse_portal_url(address), proxies
    found = run_checks(tags=["portal"])
    assert [message.id for message in found] == ["vru_portal.W001"] * warned
    assert all("TRUSTED_PROXIES is 0" in message.msg for message in found)
