from importlib import import_module

from django.apps import AppConfig
from prometheus_client import REGISTRY


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        REGISTRY.register(import_module("notifications.metrics").MailCollector())
