"""All settings, read from the environment and from `.env` (see `.env.example`).

Nothing here is about one unit: names, sums and sentences are data (fixtures/).
"""

import os
import sqlite3
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from vru_portal.environment import (
    checked_secret_key,
    embedded_secret_key,
    parse_database_url,
    parse_email_url,
    parse_grants_prefix,
    parse_ip_address,
    parse_number,
    parse_port,
    parse_portal_url,
    parse_seal,
    sqlite_journal_mode,
)

BASE_DIR = Path(__file__).resolve().parent.parent

if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env")  # what the environment says goes before it


def setting(name: str, default: str = "") -> str:
    """Return a setting from the environment; one that is set to nothing counts as not set."""
    return os.environ.get(name, "").strip() or default


# Where it stands ------------------------------------------------------------------------------------------------------
DEBUG = setting("DEBUG").lower() in ("1", "true", "yes", "on")
# A demonstration has a folder and a database of its own, never the unit's: `make demo`.
DEMO = setting("DEMO").lower() in ("1", "true", "yes", "on")
VAR_DIR = BASE_DIR / setting("VAR_DIR", "var") / ("demo" if DEMO else "")
_chosen_port = parse_port(setting("PORT")) if setting("PORT") else None
ADDRESS = parse_portal_url(setting("PORTAL_URL", f"http://localhost:{_chosen_port or 8000}"))
PORT: int = _chosen_port or (ADDRESS.port if ADDRESS.is_loopback else None) or 8000
BIND = parse_ip_address("BIND", setting("BIND", "127.0.0.1"))
WORKERS = parse_number("WORKERS", setting("WORKERS", "2"), most=64)
# How many proxies stand in front of it, each of which adds to X-Forwarded-For whom it was asked by.
TRUSTED_PROXIES = parse_number("TRUSTED_PROXIES", setting("TRUSTED_PROXIES", "0"), least=0, most=9)
PORTAL_URL = ADDRESS.origin
if DEBUG and not ADDRESS.is_loopback:
    raise ImproperlyConfigured("DEBUG shows settings to everybody: it may be on only where PORTAL_URL is localhost.")
# No database of its own and no address of its own: keys are made, content is loaded, nothing need be set.
EMBEDDED = ADDRESS.is_loopback and not setting("DATABASE_URL")

SECRET_KEY = embedded_secret_key(VAR_DIR) if EMBEDDED else checked_secret_key(setting("SECRET_KEY"))
ALLOWED_HOSTS = ADDRESS.allowed_hosts
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

# The address that "Exit this page" goes to: something that anyone might have open.
EXIT_URL = setting("EXIT_URL", "https://www.bbc.co.uk/weather")

# The prefix that 360Giving gives a publisher of grants data; without it no 360Giving file is offered.
GRANTS_PREFIX = parse_grants_prefix(setting("GRANTS_PREFIX"))

# Applications ---------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "vru_portal",
    "partners",
    "programmes",
    "funding",
    "events",
    "events.declarations",
    "vru_portal.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "django.forms",
    "csp",
    "crispy_forms",
    "django_filters",
    "django_tasks_db",
    "import_export",
    "simple_history",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "vru_portal.apps.LimitsConfig",
]

MIDDLEWARE = [
    "vru_portal.middleware.AnswerProbes",
    "events.declarations.middleware.KeepPersonal",  # outside the redirect to HTTPS, whose Location holds a secret
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "vru_portal.middleware.RefuseNullCharacters",
    "vru_portal.middleware.ExplainEmptyPortal",
    "vru_portal.middleware.AnswerTooMany",
    "vru_portal.sessions.StaffSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

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
                "vru_portal.context_processors.portal",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # widgets of our own have their templates among the others
CRISPY_TEMPLATE_PACK = "forms"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["forms"]
CRISPY_FAIL_SILENTLY = False

# Data -----------------------------------------------------------------------------------------------------------------
DATABASES = {"default": parse_database_url(setting("DATABASE_URL"), embedded=VAR_DIR / "portal.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",  # a deferred transaction that writes late fails instead of waiting
        "init_command": (
            f"PRAGMA journal_mode={sqlite_journal_mode(sqlite3.sqlite_version_info)};"
            "PRAGMA synchronous=FULL;PRAGMA recursive_triggers=ON;PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all processes: what guesses at passwords are counted in. When it is full it drops what has not ended yet, so
# it must not fill up with the names and addresses that somebody makes up.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "vru_portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Mail leaves from the worker; on the embedded default each becomes a file, to be opened with a mail program. Those of a
# demonstration always do: they are to people who do not exist.
if setting("EMAIL_URL") and not DEMO:
    vars().update(parse_email_url(setting("EMAIL_URL")))
else:
    EMAIL_BACKEND = "vru_portal.mail_files.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = SERVER_EMAIL = setting("MAIL_FROM", f"portal@{ADDRESS.host}")

# The register ---------------------------------------------------------------------------------------------------------
# Its private keys, the newest checkpoint and what was erased: outside the database, and in another backup than its.
REGISTER_KEYS = BASE_DIR / setting("REGISTER_KEYS", str(VAR_DIR / "register"))
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

# What staff upload: no address leads to this folder, a view sends what is published.
UPLOADS = VAR_DIR / "uploads"

# Language and time ----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True

# Security: what follows from the address ------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ADDRESS.is_secure
if ADDRESS.is_secure:
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    # HTTPS ends at a proxy, which must set this header itself and drop the one that a client sends.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # in staff's session: no cookie of its own
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # Django's admin draws some of its icons from data addresses
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

# Staff's sign-in: vru_portal/account_urls.py lists its pages, second_factor.py says who gets past them ----------------
# Asked of everybody, but not on the machine of somebody who tries the portal out.
SECOND_FACTOR_REQUIRED = not EMBEDDED
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
# A session ends with the browser, and 12 hours after it was begun whatever is done in it.
SESSION_ENGINE = "vru_portal.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
ACCOUNT_ADAPTER = "vru_portal.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "reauthenticate": "10/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "vru_portal.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = f"VRU Portal {ADDRESS.host}"
MFA_TOTP_TOLERANCE = 1  # the code before and after, for telephones whose clock is a little off
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = ADDRESS.is_loopback  # browsers let localhost, without HTTPS, use passkeys

# Logging: warnings and errors to the terminal or the journal ----------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_links": {"()": "vru_portal.logs.HideLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"filters": ["hide_links"]},
        # Scanners ask for any host: each would fill a screen.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}
