from importlib import import_module

from django.apps import AppConfig


class ZenvoicesConfig(AppConfig):
    name = "zenvoices"

    def ready(self) -> None:
        # Makes ours the current Celery app in every process, so that a view's task goes to our broker.
        import_module("zenvoices.celery")
        import_module("zenvoices.checks")
        import_module("zenvoices.database_checks")
