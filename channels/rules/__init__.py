"""Which mails and files of a channel are left out, as a person said it. Plain Python, and no regex of anybody."""

from channels.rules.decide import ABOUT_FILES, NO_RULES, About, FileFacts, Kind, MailFacts, Rule, Rules
from channels.rules.patterns import BadPattern, address_pattern, text_pattern

__all__ = [
    "ABOUT_FILES",
    "NO_RULES",
    "About",
    "BadPattern",
    "FileFacts",
    "Kind",
    "MailFacts",
    "Rule",
    "Rules",
    "address_pattern",
    "text_pattern",
]
