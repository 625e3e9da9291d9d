"""What is kept of channels, fetches and the schedule."""

from channels.models.channel import Channel, ChannelSecret, ConsentLink, PendingAuthorisation
from channels.models.fetched import FetchRun, ReceivedMail, ReceivedPart
from channels.models.schedule import FailingStep, HostOutage

__all__ = [
    "Channel",
    "ChannelSecret",
    "ConsentLink",
    "FailingStep",
    "FetchRun",
    "HostOutage",
    "PendingAuthorisation",
    "ReceivedMail",
    "ReceivedPart",
]
