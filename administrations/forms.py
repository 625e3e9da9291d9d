"""What people type about themselves, each other and their administrations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from administrations import meanwhile
from administrations.models import Administration, Environment, Role, User
from zenvoices.lib import seen
from zenvoices.lib.fields import AddressField, NameField
from zenvoices.lib.seen import SeenForm

ROLE_HELP = _("Submitter: uploads only. User: documents too. Administrator: channels and people too.")


class ProfileForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("Language"), choices=[("nl", "Nederlands"), ("en", "English")])

    class Meta:
        model = User
        fields = ["name", "language", "theme", "email_notifications", "daily_email"]
        field_classes = {"name": NameField}
        help_texts = {"daily_email": _("Otherwise each leaves at once, so that you know when a channel stops.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"}), "theme": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.initial["language"] = self.instance.language or (get_language() or "nl")[:2]

    def save(self, commit: bool = True) -> User:
        """These alone: a password that was changed, or an account that was erased, since it was read stays so."""
        person: User = self.instance
        User.objects.filter(pk=person.pk).update(**{name: self.cleaned_data[name] for name in self.Meta.fields})
        return person


class AdministrationForm(SeenForm, forms.ModelForm):
    class Meta:
        model = Administration
        fields = ["name", "plan"]
        field_classes = {"name": NameField}
        help_texts = {"plan": _("Channels need the premium plan.")}

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environment = environment
        stood = {name: str(getattr(self.instance, name)) for name in self.Meta.fields}
        self.initial["seen"] = seen.kept(stood | meanwhile.line_of(environment_id=environment.pk))

    @property
    def typed(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.environment.administrations.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("This environment already has an administration with this name."))
        return name


class EnvironmentForm(forms.ModelForm):
    class Meta:
        model = Environment
        fields = ["requires_two_factor"]
        help_texts = {
            "requires_two_factor": _("Whoever has none sets it up first, and sees nothing of the environment before.")
        }


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class NewcomerForm(forms.Form):
    """Whom to invite. `taken`: who is in already, of which `in_already` then says so."""

    email = AddressField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    in_already: Any = ""

    def __init__(self, *args: Any, taken: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.taken = taken

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if self.taken.filter(email=email).exists():
            raise ValidationError(self.in_already)
        return email


class InviteForm(NewcomerForm):
    """Into one administration."""

    in_already = _("This person already has access. Change the role in the list.")
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.USER, help_text=ROLE_HELP)


class NewPersonForm(forms.Form):
    name = NameField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["password"].help_text = password_validators_help_text_html()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password
