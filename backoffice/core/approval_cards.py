"""Approvals as cards: what is asked, how much, by whom, until when, and what this reader can do with it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from . import refs, sentences
from .models import Approval, Attachment, User

PAGE = 20


@dataclass(frozen=True)
class ApprovalCard:
    approval: Approval
    title: str
    about: refs.Card | None  # the record, where the reader may open it
    files: list[Attachment]
    can_decide: bool
    is_own: bool
    is_late: bool


def readable(user: User) -> QuerySet[Approval]:
    """What this person asked, decided, could decide or, as an auditor, checks."""
    rows = Approval.objects.select_related("asked_by", "decided_by")
    if user.may("core.audit.read"):
        return rows
    return rows.filter(Q(asked_by=user) | Q(decided_by=user) | Q(right__in=user.rights))


def waiting_for(user: User) -> QuerySet[Approval]:
    """What this person can decide now."""
    return readable(user).filter(state=Approval.State.WAITING, right__in=user.rights).exclude(asked_by=user)


def asked_by(user: User) -> QuerySet[Approval]:
    return readable(user).filter(state=Approval.State.WAITING, asked_by=user)


def decided(user: User) -> QuerySet[Approval]:
    return readable(user).exclude(state=Approval.State.WAITING)


def cards(approvals: Iterable[Approval], reader: User) -> list[ApprovalCard]:
    """Cards for one page: one query for the files, one per kind of record."""
    approvals = list(approvals)
    about = refs.resolve({approval.subject for approval in approvals})
    files: dict[str, list[Attachment]] = defaultdict(list)
    if approvals:
        subjects = [ref for approval in approvals for ref in (approval.subject, approval.ref)]
        for file in Attachment.objects.filter(subject__in=subjects, removed_at=None).select_related("file"):
            files[file.subject].append(file)
    return [_card(approval, about.get(approval.subject), files, reader) for approval in approvals]


def _card(
    approval: Approval, about: refs.Card | None, files: dict[str, list[Attachment]], reader: User
) -> ApprovalCard:
    waiting, is_own = approval.state == Approval.State.WAITING, approval.asked_by_id == reader.pk
    opens = about is not None and about.is_open_to(reader)
    return ApprovalCard(
        approval=approval,
        title=sentences.fill(approval.title, approval.data),
        about=about if opens else None,
        files=(files[approval.subject] if opens else []) + files[approval.ref],
        can_decide=waiting and not is_own and reader.may(approval.right),
        is_own=is_own,
        is_late=waiting and approval.due_at is not None and approval.due_at < timezone.now(),
    )
