"""The two forms of an import: the files, and which heading is which column."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .imports import Table, mapping
from .models import ImportBatch
from .services.imports import MAX_FILES


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One file input that takes several; cleans to the list of uploads."""

    widget = ManyFilesInput(attrs={"accept": ".csv,.gz,.zip,.xlsx,.txt,.tsv"})

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        uploads = data if isinstance(data, list | tuple) else [data]
        if len(uploads) > MAX_FILES:
            raise forms.ValidationError(_("At most %(most)s files at a time.") % {"most": MAX_FILES})
        return [super(ManyFilesField, self).clean(upload, initial) for upload in uploads]


class FilesForm(forms.Form):
    uploads = ManyFilesField(
        label=gettext_lazy("Choose or drop files"),
        help_text=gettext_lazy("CSV, CSV in gzip or zip, XLSX. Several at once when they belong together."),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty.")},
        max_length=255,
    )


class ColumnsForm(forms.Form):
    """One choice of heading per column of the table, with the best guess chosen."""

    def __init__(self, table: Table, batch: ImportBatch, data: Any = None) -> None:
        super().__init__(data)
        self.table = table
        sheet = batch.preview[0]
        self.headings: list[str] = sheet["headings"]
        places = {heading: place for place, heading in enumerate(self.headings)}
        samples: list[list[str]] = sheet.get("raw", [])
        choices = [("", _("– not in the file –")), *((heading, heading) for heading in self.headings if heading)]
        for guess in mapping.guess(table, self.headings):
            column = guess.column
            heading = batch.mapping.get(column.name, guess.heading)
            self.fields[column.name] = forms.ChoiceField(
                label=str(column.title or column.name),
                choices=choices,
                required=column.required,
                initial=heading,
                help_text=self._help(heading, guess, samples, places),
                error_messages={"required": _("Choose the heading that holds this.")},
            )

    @staticmethod
    def _help(heading: str, guess: mapping.Guess, samples: list[list[str]], places: dict[str, int]) -> str:
        if not heading:
            return ""
        place = places.get(heading)
        found = [row[place] for row in samples if place is not None and len(row) > place and row[place]]
        shown = _("In the file: %(found)s.") % {"found": ", ".join(cell[:40] for cell in found)} if found else ""
        sure = _("Proposed, %(percent)s%% sure.") % {"percent": guess.percent} if heading == guess.heading else ""
        return f"{sure} {shown}".strip()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen: dict[str, str] = {}
        for name, heading in cleaned.items():
            if heading and heading in chosen.values():
                self.add_error(name, _("“%(heading)s” is chosen twice.") % {"heading": heading})
            chosen[name] = heading
        return cleaned

    def chosen(self) -> dict[str, str]:
        return {name: heading for name, heading in self.cleaned_data.items() if heading}
