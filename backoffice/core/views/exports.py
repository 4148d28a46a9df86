"""Files that an export left for the person who asked for it."""

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from ..access import signed_in
from ..http import PersonRequest
from ..models import Job, StoredFile
from ..services import files


@signed_in
def export_file(request: PersonRequest, pk: int) -> FileResponse:
    stored = get_object_or_404(StoredFile, pk=pk, stored_by=request.user)
    url = reverse("export_file", args=[pk])
    if not Job.objects.filter(kind="core.export_list", asked_by=request.user, result__url=url).exists():
        raise Http404
    return files.download(stored)
