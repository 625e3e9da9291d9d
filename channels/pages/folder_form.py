"""The part of the channel form that asks which folders are fetched: typed, or chosen from the server's own list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels.mailboxes.imap_folders import spelt_by_server
from channels.models import Channel, ConnectionCheck
from channels.pages.form_fields import LineField
from channels.services import CONTROL

_LONGEST: Final = 255


class FoldersField(forms.MultipleChoiceField):
    """Any name: the list that it was chosen from is forgotten after an hour, and the check asks the server anyway."""

    def valid_value(self, value: str) -> bool:
        return 0 < len(value) <= _LONGEST and not CONTROL.search(value)


class FolderForm(forms.Form):
    channel: Channel | None = None
    #: whether folders are boxes to tick, instead of one name to type
    shows_boxes = False
    #: ConnectionCheck.folders, as they were listed last
    listed: Sequence[Sequence[str]] = ()

    folder = LineField(
        label=_("Folder"), max_length=_LONGEST, required=False, initial="INBOX",
        help_text=_("INBOX is the inbox. Only unread emails in this folder are retrieved."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    folders = FoldersField(
        label=_("Folders"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Only unread emails in these folders are retrieved. A folder that you add later begins with what is unread "
            "in it then. What you take out and choose again is not retrieved twice."
        ),
    )  # fmt: skip
    #: with the boxes: the check whose list they show, or "-"
    folder_list = forms.CharField(required=False, widget=forms.HiddenInput)

    def offer(self, listed: ConnectionCheck | None) -> None:
        """The boxes, of what the server has and of what is chosen already."""
        if listed is None and self.is_bound:
            listed = _list_of(self.data.get("folder_list", ""))
        chosen = self._chosen()
        self.listed = listed.folders if listed else []
        there = [name for name, _role in self.listed]
        self.initial["folders"], self.initial["folder_list"] = chosen, str(listed.pk) if listed and there else "-"
        # A name that somebody typed may be spelt otherwise than the server does; the ledger knows it as it was typed.
        spelt = {theirs: ours for ours in chosen if (theirs := spelt_by_server(ours, there))}
        choices = [(spelt.get(name, name), name) for name in there]
        missing = [name for name in chosen if name not in dict(choices)]
        choices += [(name, _not_there(name) if there else name) for name in missing]
        field: Any = self.fields["folders"]
        field.choices = choices
        self.shows_boxes = bool(there) or len(chosen) > 1 or "folder_list" in self.data

    def _chosen(self) -> list[str]:
        if self.is_bound and "folder_list" in self.data:
            return [name for name in self.data.getlist("folders") if self.fields["folders"].valid_value(name)]  # type: ignore[attr-defined]
        return [self.initial.get("folder") or "INBOX", *self.initial.get("more_folders", [])]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        data["more_folders"] = []
        if data.get("protocol") == Channel.Protocol.POP3:
            data["folder"] = "INBOX"
        elif not data.get("folder_list"):
            data["folder"] = data.get("folder") or "INBOX"
        elif names := self._in_order(data.get("folders", [])):
            data["folder"], data["more_folders"] = names[0], names[1:]
        elif "folders" not in self.errors:
            self.add_error("folders", forms.ValidationError(_("Choose at least one folder."), code="required"))
        return data

    def _in_order(self, names: Sequence[str]) -> list[str]:
        """What was the first folder stays it."""
        first = self.channel.folder if self.channel else "INBOX"
        return sorted(dict.fromkeys(names), key=lambda name: name != first)


def _list_of(check: str) -> ConnectionCheck | None:
    try:
        return ConnectionCheck.objects.filter(pk=UUID(check)).first()
    except ValueError:
        return None


def _not_there(name: str) -> str:
    return gettext("%(name)s (not in this mailbox)") % {"name": name}
