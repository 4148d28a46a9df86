"""Talk around any record: comments that call people, and followers who hear of them."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_noop as msgid

from .. import mentions, refs
from ..models import Comment, Follow, User
from . import notices

EXCERPT = 140


class NobodySure(Exception):
    """An @name fits several people; `names` says which, and nothing was saved."""

    def __init__(self, names: dict[str, list[mentions.Person]]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True)
class Said:
    comment: Comment
    told: list[str] = field(default_factory=list)  # names of those who were called and told
    unknown: list[str] = field(default_factory=list)  # @names that are nobody's
    shut_out: list[str] = field(default_factory=list)  # called, but they may not open the record


@transaction.atomic
def comment(*, ref: str, body: str, by: User) -> Said:
    """Add a comment; who is called by @name hears of it, and so do the followers.

    The caller has checked that `by` may read the record. Raises NobodySure.
    """
    found = _called(body)
    if found.ambiguous:
        raise NobodySure(found.ambiguous)
    card = refs.resolve([ref])[ref]
    comment = Comment.objects.create(subject=ref, body=body, by=by)
    called = [person for person in found.people if person.pk != by.pk]
    let_in = list(refs.readers(card, User.objects.filter(pk__in=[person.pk for person in called])))
    in_ids = {person.pk for person in let_in}
    follow(ref=ref, users=[by, *let_in])
    line = {"subject": ref, "who": str(by), "what": card.label, "excerpt": body[:EXCERPT]}
    key = f"comment:{comment.pk}"
    notices.tell(in_ids, kind="mention", text=msgid("%(who)s mentioned you on %(what)s"), key=key, **line)
    others = _hearers(ref, card) - in_ids - {by.pk}
    notices.tell(others, kind="comment", text=msgid("%(who)s commented on %(what)s"), key=key, **line)
    return Said(
        comment,
        told=[str(person) for person in let_in],
        unknown=found.unknown,
        shut_out=[person.name for person in called if person.pk not in in_ids],
    )


def follow(*, ref: str, users: list[User]) -> None:
    """Let people hear of every later comment; who follows already stays."""
    Follow.objects.bulk_create([Follow(subject=ref, user=user) for user in users], ignore_conflicts=True)


def unfollow(*, ref: str, user: User) -> None:
    Follow.objects.filter(subject=ref, user=user).delete()


def _called(body: str) -> mentions.Found:
    if "@" not in body:
        return mentions.Found()
    active = User.objects.filter(is_active=True).order_by("pk").values_list("pk", "name", "email")
    return mentions.find(body, [mentions.Person(*row) for row in active])


def _hearers(ref: str, card: refs.Card) -> set[int]:
    """Followers and the record's person, as far as they may still open it."""
    ids = set(Follow.objects.filter(subject=ref).values_list("user_id", flat=True))
    ids |= card.owner_ids | ({card.carer_id} if card.carer_id else set())
    return {person.pk for person in refs.readers(card, User.objects.filter(pk__in=ids))}
