"""
Settings of the ticket office, all of them, read from the environment (and from a `.env` file).

Every variable, its default and its meaning stand in .env.example. The sections come in this order:
where things are, what may be said aloud, who may connect, what is installed, data, time and words,
people, pages, the API, selling, paying, jobs and messages, security headers, logs.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

from travel.environment import Environment
from travel.logs import hide_keys

# --- where things are -----------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
# Tests know their own settings: pytest says that it runs by this variable of its own.
TESTING = env.bool("TESTING", default="PYTEST_VERSION" in os.environ)
if not TESTING:
    Environment.read_env(BASE_DIR / ".env")

VAR_DIR = env.folder("VAR_DIR", default=BASE_DIR / "var")

# --- what may be said aloud -----------------------------------------------------------------------

# The demo shows logins and messages, so it may only run where the owner asked for it.
DEMO = env.bool("DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)
# Only good for a first look on one's own machine; `check --deploy` refuses it.
INSECURE_SECRET_KEY = "only-for-a-first-look-never-for-production-0123456789"
SECRET_KEY = env.str("SECRET_KEY", default="") or INSECURE_SECRET_KEY
SITE_NAME = env.str("SITE_NAME", default="Onward")
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")

# --- who may connect ------------------------------------------------------------------------------

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_FAILURE_VIEW = "support.pages.serving.form_refused"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# How many proxies of ours stand in front; the client's address is counted from the right.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
USE_HTTPS = env.bool("USE_HTTPS", default=SITE_URL.startswith("https://"))

# --- what is installed ----------------------------------------------------------------------------

INSTALLED_APPS = [
    "travel.apps.TravelAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_structlog",
    "simple_history",
    "csp",
    "travel.common",
    "travel.api",
    "accounts",
    "inventory",
    "bookings",
    "payments",
    "support",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "travel.api.middleware.ApiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # It writes down how long a page is, so all that changes a page stands within.
    "django.middleware.common.CommonMiddleware",
    "travel.common.numerals.ReadersNumerals",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "support.pages.serving.ServingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "travel.urls"
# The contract's paths have no trailing slash, and no redirect adds one.
APPEND_SLASH = False
WSGI_APPLICATION = "travel.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "travel.common.context.site",
            ],
        },
    },
]

# --- data -----------------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'office.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("mysql"):
    _database["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "init_command": (
            "SET sql_mode='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
        ),
        **_database.get("OPTIONS", {}),
    }
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
    _database["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
elif _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN: a reader that turns writer never meets SQLITE_BUSY.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            "PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;"
        ),
    }
    # A file, never memory: tests of locks need several connections to one database.
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS: list[str] = []

REDIS_URL = env.redis("REDIS_URL")
if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "office",
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    }

# --- time and words -------------------------------------------------------------------------------

TIME_ZONE = "UTC"
USE_TZ = True
# In which zone the days of the numbers begin and end; manage.py close_days keeps them by it.
REPORT_TIME_ZONE = env.time_zone("REPORT_TIME_ZONE", default="UTC")
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fa", "فارسی")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["travel.formats"]

# --- people ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.ContactBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "bookings:my-trips"
LOGOUT_REDIRECT_URL = "home"
# "required" closes the staff's doors to whoever has no second factor; "optional" is for the demo.
STAFF_2FA = env.one_of(
    "STAFF_2FA", "required", "optional", default="optional" if DEMO else "required"
)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
# Keys that sign access tokens, newest first; an older one still verifies.
TOKEN_KEYS = env.list("TOKEN_KEYS", default=[])
PHONENUMBER_DEFAULT_FORMAT = "E164"
PHONENUMBER_DB_FORMAT = "E164"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- pages ----------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "travel.staticfiles.JoinedFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
_static_storage = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG or TESTING
    else "travel.staticfiles.SlimStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_storage},
}
MEDIA_ROOT = VAR_DIR / "media"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# --- the API --------------------------------------------------------------------------------------

THROTTLES = env.one_of("THROTTLES", "on", "off", default="on")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["travel.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "travel.api.negotiation.JSONAnyway",
    "DEFAULT_PAGINATION_CLASS": "travel.api.pagination.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "travel.api.schema.OfficeSchema",
    "DEFAULT_THROTTLE_CLASSES": ["travel.api.throttles.RateThrottle"],
    "EXCEPTION_HANDLER": "travel.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} ticket office",
    "DESCRIPTION": "Search, reserve, pay and cancel tickets on flights, trains and buses.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "travel.api.schema.document_problems",
    ],
}

# --- selling --------------------------------------------------------------------------------------

HOLD_DURATION = timedelta(minutes=10)
# What staff book by phone is held so long, but never beyond the end of the sale.
PHONE_HOLD_DURATION = timedelta(minutes=env.int("PHONE_HOLD_MINUTES", default=60))
# So long a member of staff looks as a traveller, or books for one, before saying again why.
SERVING_DURATION = timedelta(minutes=env.int("SERVING_MINUTES", default=30))
# So long the log tells afterwards who looked, and at which pages. It is there for complaints about
# staff: passengers have three months to complain and the office three to answer (Regulation (EU)
# 2021/782, article 28). A year is the most that the French data protection authority advises for
# logs of access without more ado (CNIL, deliberation 2021-122). Never less than a day.
SERVING_LOG_KEPT = timedelta(days=max(env.int("SERVING_LOG_DAYS", default=365), 1))
# So long after the last word a report that was answered is closed by itself. Never less than a day.
REPORT_CLOSES_AFTER = timedelta(days=max(env.int("REPORT_CLOSES_AFTER_DAYS", default=14), 1))
MAX_PASSENGERS = 9
MAX_LIVE_HOLDS = 10
MAX_LIVE_HOLDS_THERE = 3
# The engine that takes and gives back seats: stored procedures on MySQL and MariaDB, else portable.
SEAT_ENGINE = env.one_of("SEAT_ENGINE", "auto", "portable", "procedures", default="auto")
MAX_TICKETS = 12
# A started payment attempt lengthens the hold, once, to at least this long from now.
HOLD_WHILE_PAYING = timedelta(minutes=5)
QUOTE_LIFETIME = timedelta(minutes=10)
# What one member of staff may give back alone, in minor units of its currency (500.00 EUR).
REFUND_APPROVAL_LIMIT = env.int("REFUND_APPROVAL_LIMIT", default=50_000)
# Whose receipts are numbered, and what is printed on them: name, address, tax number.
RECEIPT_ISSUER = env.str("RECEIPT_ISSUER", default="R")
RECEIPT_ISSUER_TEXT = env.str("RECEIPT_ISSUER_TEXT", default="", multiline=True) or SITE_NAME
# So many full years after that of the receipt its name and address are kept.
RECEIPT_NAME_YEARS = env.int("RECEIPT_NAME_YEARS", default=10)
# Keys that sign barcodes, newest first; those of older ones still hold. Empty: one of SECRET_KEY.
TICKET_SIGNING_KEYS = env.list("TICKET_SIGNING_KEYS", default=[])
# The key and certificates that sign passes for Apple Wallet; without them there are none.
WALLET_PASS_PEM = env.str("WALLET_PASS_PEM", default="")
WALLET_PASS_PASSWORD = env.str("WALLET_PASS_PASSWORD", default="")

# --- paying ---------------------------------------------------------------------------------------

# Which gateway takes each way of paying; a wallet is the office's own. docs/PAYMENTS.md has more.
PAYMENT_GATEWAYS = {
    "Bank Card": env.one_of("CARD_GATEWAY", "sandbox", "stripe", "none", default="sandbox"),
    "Cryptocurrency": env.one_of("CRYPTO_GATEWAY", "sandbox", "btcpay", "none", default="sandbox"),
}
# No call to a provider takes longer, the connection included.
GATEWAY_TIMEOUT_SECONDS = 8
# How long a payer may take on a provider's page. Stripe's shortest is half an hour.
PAY_WITHIN = timedelta(minutes=31)
SANDBOX_WEBHOOK_SECRET = env.str("SANDBOX_WEBHOOK_SECRET", default="") or f"sandbox:{SECRET_KEY}"
STRIPE_API_URL = env.str("STRIPE_API_URL", default="https://api.stripe.com").rstrip("/")
STRIPE_PAGES = env.str("STRIPE_PAGES", default="https://checkout.stripe.com").rstrip("/")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
BTCPAY_URL = env.str("BTCPAY_URL", default="").rstrip("/")
BTCPAY_STORE = env.str("BTCPAY_STORE", default="")
BTCPAY_API_KEY = env.str("BTCPAY_API_KEY", default="")
BTCPAY_WEBHOOK_SECRET = env.str("BTCPAY_WEBHOOK_SECRET", default="")

# --- jobs and messages ----------------------------------------------------------------------------

_broker_dir = VAR_DIR / "broker"
CELERY_BROKER_URL = env.broker("CELERY_BROKER_URL", redis=REDIS_URL)
if CELERY_BROKER_URL == "filesystem://":
    for _name in ("queue", "processed", "control"):
        (_broker_dir / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_dir / "queue"),
        "data_folder_out": str(_broker_dir / "queue"),
        "processed_folder": str(_broker_dir / "processed"),
        "store_processed": False,
        "control_folder": str(_broker_dir / "control"),
        "polling_interval": 0.25,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "expire-holds": {
        "task": "bookings.tasks.expire_holds",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "mark-no-shows": {
        "task": "bookings.tasks.mark_no_shows",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "settle-refunds": {
        "task": "payments.tasks.settle_due",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "refund-called-off": {
        "task": "payments.tasks.refund_called_off",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "reconcile-nightly": {
        "task": "payments.tasks.reconcile_nightly",
        "schedule": crontab(hour="2", minute="10"),
        "options": {"expires": 7200},
    },
    "hear-webhooks": {
        "task": "payments.tasks.hear_webhooks",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "send-accounts-messages": {
        "task": "accounts.tasks.send_messages",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "tell-of-departures": {
        "task": "bookings.tasks.tell_of_departures",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "send-bookings-messages": {
        "task": "bookings.tasks.send_messages",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "send-payments-messages": {
        "task": "payments.tasks.send_messages",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "send-support-messages": {
        "task": "support.tasks.send_messages",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "make-exports": {
        "task": "support.tasks.make_exports",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "tidy-up-support": {
        "task": "support.tasks.tidy_up",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "work-on-uploads": {
        "task": "inventory.tasks.work_on_uploads",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "work-on-disruptions": {
        "task": "support.tasks.work_on_disruptions",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "close-answered-reports": {
        "task": "support.tasks.close_answered_reports",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "close-days": {
        "task": "support.tasks.close_days",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "measure-loads": {
        "task": "support.tasks.measure_loads",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "send-numbers": {
        "task": "support.tasks.send_numbers",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "tidy-up": {
        "task": "travel.common.tasks.tidy_up",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "tidy-up-accounts": {
        "task": "accounts.tasks.tidy_up",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
}

EMAIL_CONFIG = env.mail("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
# A provider's own way instead of SMTP, such as anymail.backends.mailgun.EmailBackend.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default=EMAIL_CONFIG["EMAIL_BACKEND"])
ANYMAIL = env.options("ANYMAIL")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tickets@localhost")
# Where e-mails and SMS go: "outbox" keeps them on the /outbox/ page alone (the demo).
MAIL_DELIVERY = env.one_of(
    "MAIL_DELIVERY", "email", "outbox", default="outbox" if DEMO else "email"
)
SMS_BACKEND = env.str("SMS_BACKEND", default="travel.common.messaging.ConsoleSms")
# What all one-time codes by SMS may come to in a day: a bound on what abuse can cost.
SMS_PER_DAY = env.int("SMS_PER_DAY", default=1_000)
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
# A number of one's own in E.164, or the SID of a messaging service (MG...).
TWILIO_SENDER = env.str("TWILIO_SENDER", default="")
TWILIO_API_URL = env.str("TWILIO_API_URL", default="https://api.twilio.com").rstrip("/")

# --- security headers -----------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        # A form that pays leads on to the page of the provider.
        "form-action": [
            SELF,
            *([STRIPE_PAGES] if "stripe" in PAYMENT_GATEWAYS.values() else []),
            *([BTCPAY_URL] if "btcpay" in PAYMENT_GATEWAYS.values() else []),
        ],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=USE_HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if USE_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = USE_HTTPS
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

# --- logs -----------------------------------------------------------------------------------------

LOG_LEVEL = env.one_of("LOG_LEVEL", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", default="INFO")
LOG_FORMAT = env.one_of("LOG_FORMAT", "console", "json", default="console")
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    hide_keys,
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processor": (
                structlog.processors.JSONRenderer()
                if LOG_FORMAT == "json"
                else structlog.dev.ConsoleRenderer(
                    colors=False,
                    # The rich form prints variables, and so passwords, into the log.
                    exception_formatter=structlog.dev.plain_traceback,
                )
            ),
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False}
        for name in ("django", "travel", "accounts", "inventory", "bookings", "payments", "support")
    },
}
# ApiMiddleware has judged or drawn it: problems and logs name a request alike.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
structlog.configure(
    processors=[
        *_shared_processors,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

# What the environment got wrong; travel/checks.py refuses to start with any of these.
ENVIRONMENT_FAULTS = env.faults
