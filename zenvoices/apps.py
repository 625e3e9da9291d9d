from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from zenvoices.lib import logs


class ZenvoicesConfig(AppConfig):
    name = "zenvoices"

    def ready(self) -> None:
        import_module("zenvoices.checks")
        import_module("zenvoices.database_checks")
        logs.take_what_nobody_caught()
        # Only where they are asked for: neither is small.
        if settings.SENTRY_DSN:
            import_module("zenvoices.lib.sentry").begin(settings.SENTRY_DSN)
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            otlp = import_module("zenvoices.lib.otlp")
            otlp.begin(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.OTEL_EXPORTER_OTLP_HEADERS)
