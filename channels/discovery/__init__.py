"""From the address of a mailbox to its server, or to the provider where its owner signs in. Pure Python, no Django.

What is asked of whom, and in which order, stands in looking.py. Everything that strangers say is bounded in bytes and
seconds, comes over the guarded way out, and is offered only with a server whose certificate was checked.
"""

from channels.discovery.address import Address, BadAddress
from channels.discovery.found import Found, Kind

__all__ = ["Address", "BadAddress", "Found", "Kind"]
