"""What processes say: readable lines for a developer, JSON for machines; ids, never a person's data."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_PERSONAL = [
    (re.compile(r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b"), "<e-mail>"),
    (re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|(?<![\w-])\d{11}(?![\w-])"), "<cpf>"),
    (re.compile(r"\b[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}\b|(?<![\w-])\d{14}(?![\w-])"), "<cnpj>"),
    (re.compile(r"(/password/reset/key/)[^\s\"']+"), r"\1<key>"),
]
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]")


def mask(text: str) -> str:
    """The text without e-mail addresses, CPF, CNPJ and keys of links."""
    for pattern, instead in _PERSONAL:
        text = pattern.sub(instead, text)
    return text


def without_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every text of a line; what could break the line in two is written out."""
    return {key: _clean(value, keep_lines=key == "exception") for key, value in event.items()}


def _clean(value: Any, *, keep_lines: bool = False) -> Any:
    if isinstance(value, str):
        text = value if keep_lines else value.replace("\n", "\\n")
        return mask(_CONTROL.sub(lambda found: repr(found.group())[1:-1], text))
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    if value is None or isinstance(value, int | float):
        return value
    return _clean(str(value))


def configuration(*, as_json: bool, level: str = "INFO") -> dict[str, Any]:
    """The LOGGING setting: structlog and the standard library write through one masking formatter."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: Processor = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.StackInfoRenderer(),
                    structlog.processors.format_exc_info,
                    without_personal_data,
                    last,
                ],
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # Every 404 and refused door would be a line; the request's own line says it already.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
