"""The bytes of a mail to its text and parts. Pure Python, no Django; bounded work for every input."""

from channels.extract.content import Content
from channels.extract.limits import Limits
from channels.extract.mail import extract, part_bytes
from channels.extract.model import Mail, MailUnreadable, Part

__all__ = ["Content", "Limits", "Mail", "MailUnreadable", "Part", "extract", "part_bytes"]
