"""What a finding says: what to do, and why. Also what the receiving server wrote of a mail."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from documents.models import Email, Finding

Kind = Finding.Kind
_METHODS = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}


def sentence(finding: Finding) -> str:
    facts = finding.facts
    if finding.kind == Kind.UNPROVEN:
        text = _(
            "Ask the sender whether this is right. The mail server could not confirm that it comes from %(domain)s."
        )
    elif finding.kind == Kind.REPLY_TO:
        text = _("Look before you answer: answers to %(domain)s go to %(reply)s, which was not so before.")
    elif finding.kind == Kind.LOOKALIKE:
        text = _("Look who sent this: %(domain)s looks like %(known)s, from which you received before.")
    elif finding.kind == Kind.SAME_NAME:
        text = _("Look who sent this: email with this sender name came from %(known)s before, now from %(domain)s.")
    else:
        text = ngettext(
            "Call the supplier before you pay: IBAN %(iban)s is not that of their previous invoice.",
            "Call the supplier before you pay: IBAN %(iban)s is not that of their previous %(count)d invoices.",
            facts["count"],
        )
    return text % facts


def authentication(email: Email) -> str:
    """`SPF pass · DKIM none · DMARC pass`, in the words of the receiving server; "" when it wrote nothing."""
    told = (one.split("=") for one in email.authentication.split())
    return " · ".join(f"{_METHODS[method]} {result}" for method, result in told if method in _METHODS)
