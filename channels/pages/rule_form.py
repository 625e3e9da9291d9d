"""What a person says in a rule, about one thing at a time."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from channels.models import Channel, ChannelRule
from channels.rulebook import Said
from channels.rules import About, BadPattern, address_pattern, text_pattern
from channels.rules.patterns import LONGEST
from channels.words.rules import KINDS

#: what a rule can be about, in the order in which they are offered
ABOUTS: Final = {
    About.SENDER: _("Sender"),
    About.SUBJECT: _("Subject"),
    About.RECIPIENT: _("Addressee"),
    About.KIND: _("Kind of file"),
    About.PICTURE: _("Smallest picture"),
}
#: refusing and allowing, of each
_WAYS: Final = {
    About.SENDER: (_("Do not retrieve what comes from here"), _("Retrieve only what comes from here")),
    About.SUBJECT: (_("Do not retrieve emails with this in the subject"), _("Retrieve only emails with this in it")),
    About.RECIPIENT: (_("Do not retrieve what is addressed to this"), _("Retrieve only what is addressed to this")),
    About.KIND: (_("Do not retrieve files of this kind"), _("Retrieve only files of this kind")),
}
_ADDRESS_HELP: Final = _(
    "An address, or a domain: example.com is that domain alone, *.example.com everything below it. * stands for "
    "anything."
)
_HELP: Final = {
    About.SENDER: _ADDRESS_HELP,
    About.SUBJECT: _("Capitals make no difference. * stands for anything."),
    About.RECIPIENT: _ADDRESS_HELP,
    About.PICTURE: _("In pixels, the longest side. A logo is seldom more than 300, a photographed receipt over 1,000."),
}
_WRONG: Final = {
    "address": _("Enter an address or a domain, such as info@example.com, example.com or *.example.com."),
    "wild": _("Use at most five times *."),
    "empty": _("Enter a part of the subject."),
}
_PIXELS: Final = (2, 10_000)


class RuleForm(forms.Form):
    """`fields` depend on what the rule is about."""

    def __init__(self, about: About, channel: Channel, data: Any = None, **initial: Any) -> None:
        super().__init__(data, initial={"only": "never", **initial})
        self.about = about
        if about in _WAYS:
            never, only = _WAYS[about]
            self.fields["only"] = forms.ChoiceField(
                label=_("What is to happen"), choices=[("never", never), ("only", only)], widget=forms.RadioSelect
            )
        self.fields["value"] = _value_field(about)
        if channel.marks_read and about != About.PICTURE:
            self.fields["mark_read"] = forms.BooleanField(
                label=_("Mark as read what this rule leaves out"), required=False,
                help_text=_("Without the tick it stays unread in the mailbox."),
            )  # fmt: skip

    def clean_value(self) -> str:
        value = self.cleaned_data["value"]
        try:
            if self.about == About.SUBJECT:
                return text_pattern(value)
            return address_pattern(value) if self.about in (About.SENDER, About.RECIPIENT) else str(value)
        except BadPattern as bad:
            code = str(bad)
            raise forms.ValidationError(_WRONG[code], code=code) from bad

    def said(self) -> Said:
        """Of a form that is valid."""
        read = self.cleaned_data
        return Said(self.about, read.get("only") == "only", read["value"], read.get("mark_read", False))


def _value_field(about: About) -> forms.Field:
    label = ABOUTS[about]
    if about == About.KIND:
        return forms.ChoiceField(label=label, choices=list(KINDS.items()))
    if about == About.PICTURE:
        least, most = _PIXELS
        return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=_HELP[about])
    plain = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})
    return forms.CharField(label=label, max_length=LONGEST, widget=plain, help_text=_HELP[about])


def initial_of(rule: ChannelRule) -> dict[str, Any]:
    return {"only": "only" if rule.only else "never", "value": rule.value, "mark_read": rule.mark_read}
