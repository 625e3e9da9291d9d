"""The part of the channel form that asks what is done with an email after it was retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from channels.mailboxes.imap_put_away import KEYWORD
from channels.models import Channel
from channels.pages.form_fields import LineField

After = Channel.After
AFTER: Final = ("after", "after_target")


class AfterForm(forms.Form):
    channel: Channel | None = None
    listed: Sequence[Sequence[str]] = ()

    after = forms.ChoiceField(
        label=_("After retrieving"), choices=After.choices, required=False, initial=After.MARK_READ,
        help_text=_("Nothing is ever deleted, and no email is retrieved twice."),
    )  # fmt: skip
    after_target = LineField(
        label=_("Folder or label"), max_length=255, required=False,
        help_text=_(
            "A folder that is there already, spelt as your mail server does: Choose folders lists them. Or a label, at "
            "Gmail one of yours, elsewhere a word such as $Processed."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "after-targets"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        """After the folders were read. A target that is not asked for stands hidden on the page."""
        data = super().clean() or self.cleaned_data
        if "after" not in self.data and self.channel is not None:  # a page of before there was a choice
            data["after"], data["after_target"] = self.channel.after, self.channel.after_target
        data["after"] = data.get("after") or After.MARK_READ.value
        if data.get("protocol") == Channel.Protocol.POP3 or not self.chooses_after:
            data["after"] = After.MARK_READ.value
        if data["after"] not in (After.MOVE, After.LABEL):
            self.errors.pop("after_target", None)
            data["after_target"] = ""
        elif "after_target" in data:
            self._read_target(data)
        return data

    def _read_target(self, data: dict[str, Any]) -> None:
        target = data["after_target"]
        if not target:
            self._refuse_target(_("Enter the folder or label."), "required")
        elif data["after"] == After.MOVE and _is_among(target, [data.get("folder", ""), *data["more_folders"]]):
            self._refuse_target(_("Choose a folder that is not retrieved itself."), "retrieved")
        elif data["after"] == After.LABEL and data.get("auth") != Channel.Auth.GOOGLE and not KEYWORD.fullmatch(target):
            self._refuse_target(_("Use only letters, digits, $, _ and -, for example $Processed."), "keyword")

    def _refuse_target(self, said: Any, code: str) -> None:
        self.add_error("after_target", forms.ValidationError(said, code=code))

    @property
    def chooses_after(self) -> bool:
        """Not where nothing may be changed in the mailbox."""
        return self.channel is None or self.channel.granted != Channel.Granted.READ_ONLY

    @property
    def after_targets(self) -> list[str]:
        """To choose from: what the server listed."""
        return [name for name, _role in self.listed if name.upper() != "INBOX"]


def _is_among(name: str, folders: Sequence[str]) -> bool:
    return name.casefold() in [folder.casefold() for folder in folders]
