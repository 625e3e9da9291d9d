"""What is kept of channels, fetches and the schedule."""

from channels.models.channel import Channel, ChannelSecret, ConsentLink, FurtherFolder, PendingAuthorisation
from channels.models.checks import ConnectionCheck, PreviewedMail
from channels.models.fetched import FetchRun, ReceivedMail, ReceivedPart
from channels.models.rules import ChannelRule
from channels.models.schedule import FailingStep, HostOutage, RunTally, TickTally

__all__ = [
    "Channel",
    "ChannelRule",
    "ChannelSecret",
    "ConnectionCheck",
    "ConsentLink",
    "FailingStep",
    "FetchRun",
    "FurtherFolder",
    "HostOutage",
    "PendingAuthorisation",
    "PreviewedMail",
    "ReceivedMail",
    "ReceivedPart",
    "RunTally",
    "TickTally",
]
