"""All settings, read from the environment and from `.env` (see `.env.example`).

Nothing here is about one unit: names, sums and sentences are data (fixtures/).
"""

import os
import sqlite3
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from vru_portal.environment import (
    SECONDS_FOR_A_LOCK,
    checked_secret_key,
    embedded_secret_key,
    parse_database_url,
    parse_email_url,
    parse_grants_prefix,
    parse_ip_address,
    parse_log_format,
    parse_monitoring_token,
    parse_number,
    parse_port,
    parse_portal_url,
    parse_seal,
    postgresql_options,
    sqlite_journal_mode,
)
from vru_portal.log_lines import LINK_PREFIXES
from vru_portal.private_files import be_private

BASE_DIR = Path(__file__).resolve().parent.parent

if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env")  # variables that are set already take precedence


def setting(name: str, default: str = "") -> str:
    """A setting from the environment. An empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


# Where it runs -------------------------------------------------------------------------------------------------------
DEBUG = setting("DEBUG").lower() in ("1", "true", "yes", "on")
# A demonstration (`make demo`) has its own folder and database, never those of the real portal.
DEMO = setting("DEMO").lower() in ("1", "true", "yes", "on")
VAR_DIR = BASE_DIR / setting("VAR_DIR", "var") / ("demo" if DEMO else "")
_chosen_port = parse_port(setting("PORT")) if setting("PORT") else None
ADDRESS = parse_portal_url(setting("PORTAL_URL", f"http://localhost:{_chosen_port or 8000}"))
PORT: int = _chosen_port or (ADDRESS.port if ADDRESS.is_loopback else None) or 8000
BIND = parse_ip_address("BIND", setting("BIND", "127.0.0.1"))
WORKERS = parse_number("WORKERS", setting("WORKERS", "2"), most=64)
# How many proxies are in front of the portal. Each adds its client's address to X-Forwarded-For.
TRUSTED_PROXIES = parse_number("TRUSTED_PROXIES", setting("TRUSTED_PROXIES", "0"), least=0, most=9)
PORTAL_URL = ADDRESS.origin
if DEBUG and not ADDRESS.is_loopback:
    raise ImproperlyConfigured("DEBUG shows settings to everybody: it may be on only where PORTAL_URL is localhost.")
# The embedded default: without a database server and a public address, the portal makes its own keys and loads its
# content, so that nothing needs to be set.
EMBEDDED = ADDRESS.is_loopback and not setting("DATABASE_URL")
# The register's private keys, its newest checkpoint and the list of erasures: outside the database, to be backed up
# separately.
REGISTER_KEYS = BASE_DIR / setting("REGISTER_KEYS", str(VAR_DIR / "register"))
# The keys that secrets of second factors are encrypted with: also outside the database.
SECOND_FACTOR_KEYS = BASE_DIR / setting("SECOND_FACTOR_KEYS", str(VAR_DIR / "second-factor-keys"))
DATABASES = {"default": parse_database_url(setting("DATABASE_URL"), embedded=VAR_DIR / "portal.sqlite3")}
IS_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
_database_files = [Path(f"{DATABASES['default']['NAME']}{end}") for end in ("", "-journal", "-wal", "-shm")]
be_private(VAR_DIR, REGISTER_KEYS, SECOND_FACTOR_KEYS, *(_database_files if IS_SQLITE else ()))

SECRET_KEY = embedded_secret_key(VAR_DIR) if EMBEDDED else checked_secret_key(setting("SECRET_KEY"))
ALLOWED_HOSTS = ADDRESS.allowed_hosts
HOST_HEADERS = ADDRESS.host_headers(PORT)
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

# Where "Exit this page" leads: a page that anyone might have open.
EXIT_URL = setting("EXIT_URL", "https://www.bbc.co.uk/weather")

# The prefix that 360Giving assigns to a publisher of grants data. Without it the portal offers no 360Giving file.
GRANTS_PREFIX = parse_grants_prefix(setting("GRANTS_PREFIX"))

# Applications ---------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "vru_portal",
    "partners",
    "programmes",
    "programmes.results",
    "funding",
    "events",
    "events.declarations",
    "vru_portal.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "vru_portal.apps.StaticFilesConfig",
    "django.forms",
    "csp",
    "crispy_forms",
    "django_tasks_db",
    "import_export",
    "simple_history",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "vru_portal.apps.LimitsConfig",
]

HTTP_METHODS = ("GET", "HEAD", "OPTIONS", "POST")

MIDDLEWARE = [
    "vru_portal.middleware.RefuseUnknownMethods",
    "vru_portal.operations.monitoring.probes.AnswerProbes",
    "vru_portal.middleware.SeeOwnWrites",
    "vru_portal.middleware.RequireOwnAddress",
    "vru_portal.links.middleware.PrivatePages",  # first: a redirect to HTTPS has the secret in its Location
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vru_portal.middleware.CompressPages",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "vru_portal.middleware.RefuseNullCharacters",
    "vru_portal.middleware.ExplainEmptyPortal",
    "vru_portal.middleware.AnswerTooMany",
    "vru_portal.accounts.sessions.StaffSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

# Pages behind an emailed link, and the form to request one: kept out of caches and search engines.
PRIVATE_PATHS = (*(prefix.rstrip("/") for prefix in LINK_PREFIXES), "/declaration/ask")

ROOT_URLCONF = "vru_portal.urls"
WSGI_APPLICATION = "vru_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "vru_portal.public.context_processors.portal",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # finds the templates of our own widgets in templates/
CRISPY_TEMPLATE_PACK = "forms"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["forms"]
CRISPY_FAIL_SILENTLY = False

# Data -----------------------------------------------------------------------------------------------------------------
if IS_SQLITE:
    # Opening the file costs as much as a light page. A file that has been put in its place is seen within ten seconds.
    DATABASES["default"]["CONN_MAX_AGE"] = 10
    DATABASES["default"]["OPTIONS"] = {
        "timeout": SECONDS_FOR_A_LOCK,
        "transaction_mode": "IMMEDIATE",  # a deferred one fails, instead of waiting, when it starts to write late
        "init_command": (
            f"PRAGMA journal_mode={sqlite_journal_mode(sqlite3.sqlite_version_info)};"
            "PRAGMA synchronous=FULL;PRAGMA recursive_triggers=ON;PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": postgresql_options(DATABASES["default"].get("OPTIONS", {})),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all processes: attempts to guess codes are counted in it. A full cache drops entries that are still
# valid, so it has to have room for all the names and addresses that an attacker may try.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "vru_portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# The worker sends mail. With the embedded default each mail becomes a file, which a mail program can open; in a
# demonstration always, since its recipients do not exist.
if setting("EMAIL_URL") and not DEMO:
    vars().update(parse_email_url(setting("EMAIL_URL")))
    EMAIL_BACKEND = "vru_portal.links.smtp.EmailBackend"
else:
    EMAIL_BACKEND = "vru_portal.web.mail_files.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = SERVER_EMAIL = setting("MAIL_FROM", f"portal@{ADDRESS.host}")

# The register ---------------------------------------------------------------------------------------------------------
# What receipts are sealed with, if the unit has a certificate.
SEAL = parse_seal(setting("SEAL_CERTIFICATE"), setting("SEAL_KEY"), setting("SEAL_PASSWORD"))
# Scans of signatures on paper: served to staff only.
SCANS = VAR_DIR / "scans"

# Static files ---------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # files that have to be at the top, such as /favicon.ico
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # nothing links to unhashed names, and compressing them would double the time

# Staff uploads. The web server does not serve this folder: a view sends the files of published records.
UPLOADS = VAR_DIR / "uploads"
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700  # Django would let everybody read them

# The portal's own backups: one a day where nobody has set anything up.
BACKUPS = VAR_DIR / "backups"
MAKES_DAILY_BACKUPS = EMBEDDED and not DEMO

# Language and time ----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = False  # one language only: saves a lookup for every string and URL
FORMAT_MODULE_PATH = "vru_portal.text.formats"
TIME_ZONE = "Europe/London"
USE_TZ = True

# Security: what follows from the address ------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ADDRESS.is_secure
if ADDRESS.is_secure:
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    # HTTPS ends at a proxy, which must set this header and drop any that a client sends.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
COOKIE_PREFIX = "__Host-" if ADDRESS.is_secure else ""  # vru_portal/web/cookies.py says what browsers make of it
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no separate cookie
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # Django's admin has some icons in data: URLs
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: [] for feature in ("camera", "geolocation", "microphone", "payment", "usb")
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Staff sign-in: accounts/urls.py lists its pages, accounts/second_factor.py decides who is let in ---------------------
# Required of all staff, except on the machine of somebody who is trying the portal out.
SECOND_FACTOR_REQUIRED = not EMBEDDED
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
# A session ends when the browser is closed, and 12 hours after signing in however active it is.
SESSION_ENGINE = "vru_portal.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
ACCOUNT_ADAPTER = "vru_portal.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {"change_password": "vru_portal.accounts.first_password.PasswordForm"}
# Passwords: accounts/sign_in_throttling.py. What is left for allauth to limit are codes of a second factor, by account.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "5/5m/key", "reauthenticate": "10/m/user"}
MFA_ADAPTER = "vru_portal.accounts.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate_webauthn": "vru_portal.accounts.forms.PasskeyForm",
    "reauthenticate_webauthn": "vru_portal.accounts.forms.PasskeyAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = f"VRU Portal {ADDRESS.host}"
MFA_TOTP_TOLERANCE = 1  # also accepts the previous and the next code, for phones whose clock is a little off
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = ADDRESS.is_loopback  # browsers allow passkeys on localhost without HTTPS

# Monitoring: what a request must carry (Authorization: Bearer …) to see metrics, and the details of readiness ---------
MONITORING_TOKEN = parse_monitoring_token(setting("MONITORING_TOKEN"))

# Logging: one line for each event, to the terminal or the journal ----------------------------------------------------
LOG_FORMAT = parse_log_format(setting("LOG_FORMAT", "text"))
OUR_PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "vru_portal.logs.line_formatter", "as_json": LOG_FORMAT == "json"}},
    "filters": {"client_errors": {"()": "vru_portal.logs.DowngradeClientErrors"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["client_errors"]},
        "metrics": {"class": "vru_portal.logs.CountExceptions", "filters": ["client_errors"]},
    },
    "root": {"handlers": ["console", "metrics"], "level": "WARNING"},
    "loggers": {"django": {"handlers": [], "level": "WARNING"}} | {name: {"level": "INFO"} for name in OUR_PACKAGES},
}
