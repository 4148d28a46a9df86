"""The nouns of the floor. One family per file; nothing here knows an app above."""

from .activity import Comment, Follow, Notification, Task
from .approvals import Approval
from .audit import AuditAnchor, AuditEntry, AuditSeal
from .base import Referable, ref_of
from .company import Company
from .files import Attachment, StoredFile
from .forms import Submission
from .imports import ImportBatch, ImportChange, ImportFailure, ImportFile, ImportMapping
from .jobs import Job
from .lists import HeldFilter, ListPreference, SavedView
from .numbering import Sequence
from .outbox import Delivery, Event
from .parties import Party, PartyAddress, PartyKey, PartyRole
from .people import Invitation, RoleGrant, User
from .rights import Right

__all__ = [
    "Approval",
    "Attachment",
    "AuditAnchor",
    "AuditEntry",
    "AuditSeal",
    "Comment",
    "Company",
    "Delivery",
    "Event",
    "Follow",
    "HeldFilter",
    "ImportBatch",
    "ImportChange",
    "ImportFailure",
    "ImportFile",
    "ImportMapping",
    "Invitation",
    "Job",
    "ListPreference",
    "Notification",
    "Party",
    "PartyAddress",
    "PartyKey",
    "PartyRole",
    "Referable",
    "Right",
    "RoleGrant",
    "SavedView",
    "Sequence",
    "StoredFile",
    "Submission",
    "Task",
    "User",
    "ref_of",
]
