"""Forms of talk and work around a record."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Task, User


class CommentForm(forms.Form):
    body = forms.CharField(
        label=_("Comment"),
        max_length=4000,
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Write something first.")},
    )


class TaskForm(forms.ModelForm):  # type: ignore[type-arg]
    """What, who, until when. The version travels along, so that two people do not overwrite each other."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Task
        fields = ["title", "assignee", "due_on"]
        widgets = {"due_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d")}
        error_messages = {
            "title": {"required": _("Say what is to be done.")},
            "assignee": {"required": _("Choose who does it.")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("name", "pk")
        self.fields["assignee"].queryset = people  # type: ignore[attr-defined]
        self.fields["title"].widget.attrs["autofocus"] = True


class AttachmentForm(forms.Form):
    file = forms.FileField(label=_("File"), error_messages={"required": _("Choose a file first.")})
