"""What is kept of channels, fetches and the schedule."""

from channels.models.channel import Channel, ChannelSecret, ConsentLink, PendingAuthorisation
from channels.models.checks import ConnectionCheck, PreviewedMail
from channels.models.fetched import FetchRun, ReceivedMail, ReceivedPart
from channels.models.rules import ChannelRule
from channels.models.schedule import FailingStep, HostOutage

__all__ = [
    "Channel",
    "ChannelRule",
    "ChannelSecret",
    "ConnectionCheck",
    "ConsentLink",
    "FailingStep",
    "FetchRun",
    "HostOutage",
    "PendingAuthorisation",
    "PreviewedMail",
    "ReceivedMail",
    "ReceivedPart",
]
