"""The bytes of a mail to its text and parts. Pure Python, no Django; bounded work for every input."""

from channels.extract.content import Content
from channels.extract.limits import Limits
from channels.extract.mail import extract, heading, part_bytes
from channels.extract.model import Heading, Mail, MailUnreadable, Part
from channels.extract.pictures import picture

__all__ = [
    "Content", "Heading", "Limits", "Mail", "MailUnreadable", "Part", "extract", "heading", "part_bytes", "picture",
]  # fmt: skip
