from importlib import import_module

from django.apps import AppConfig
from prometheus_client import REGISTRY


class ChannelsConfig(AppConfig):
    name = "channels"

    def ready(self) -> None:
        REGISTRY.register(import_module("channels.metrics").ChannelCollector())
