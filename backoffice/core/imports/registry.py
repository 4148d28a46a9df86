"""What can be imported: sources, their tables and columns, as the areas describe them."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from django.utils.functional import Promise

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper
    from django.forms import Form

    from backoffice.core.jobs import Work
    from backoffice.core.models import ImportBatch, User

Kind = Literal["text", "money", "decimal", "integer", "date", "local_datetime"]

# The column type of each kind in a stage table. A local_datetime is the wall clock as written, without a zone.
SQL_TYPES: dict[str, str] = {
    "text": "text",
    "money": "numeric(18, 2)",
    "decimal": "numeric",
    "integer": "bigint",
    "date": "date",
    "local_datetime": "timestamp",
}


class Refusal(Exception):
    """The file cannot be taken; the sentence says what was found, where, and what to do."""


class NotUndoable(Exception):
    """Something depends on what the import wrote; the sentence says what."""


class Asked(Exception):
    """A person must answer before the file can be checked; `preview` is kept with the batch for the question's form."""

    def __init__(self, preview: list[dict[str, Any]]) -> None:
        super().__init__()
        self.preview = preview


class Waits(Exception):
    """Nothing more can be written now; the sentence says why and what to do. The import can be written later.

    counts: what the batch's counts must say besides for that, such as `confirm`.
    """

    def __init__(self, reason: str, counts: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.counts = counts or {}


class Action(StrEnum):
    """What the import will do with a row, in the stage column `action`."""

    CREATE = "c"
    UPDATE = "u"
    SKIP = "s"


def normal(heading: str) -> str:
    """A heading without case, accents and punctuation, for comparing: `Preço (R$)` → `preco r`."""
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", plain.lower()))


@dataclass(frozen=True)
class Column:
    """One column of a table. `name` is the stage column and one heading; `title` and `aliases` are others."""

    name: str
    kind: Kind = "text"
    required: bool = False
    title: str | Promise = ""
    aliases: tuple[str, ...] | list[str] = ()
    max_length: int = 10_000

    def headings(self) -> set[str]:
        """Every normalised heading that means this column."""
        return {normal(name) for name in (self.name, str(self.title), *self.aliases) if name}


@dataclass(frozen=True)
class Table:
    """One kind of file of a source. A file belongs to it when it has all headings of `signature`."""

    name: str
    title: str | Promise
    columns: list[Column]
    signature: tuple[str, ...] | list[str] = ()  # headings that tell this table; default: the required columns

    @property
    def stage(self) -> str:
        return f"stage_{self.name}"

    def tells(self, headings: Iterable[str]) -> bool:
        """Whether a file with these headings is of this table."""
        found = {normal(heading) for heading in headings}
        if self.signature:
            return {normal(heading) for heading in self.signature} <= found
        required = [column for column in self.columns if column.required] or self.columns
        return all(column.headings() & found for column in required)


class Source:
    """A kind of import. The stage tables are `stage_<table>`: the typed columns (an empty cell is NULL), then

    file smallint, line int     where the row stood; 1 is the heading
    problem text                why the row is refused: a gettext msgid that may hold %(found)s; set by `check`
    problem_column text         the column it lies in, if one
    action "char"               c, u or s; set by `check`

    `check` only looks; `write` finds the stage tables checked and without the refused rows.
    """

    key: str = ""
    title: str | Promise = ""
    help: str | Promise = ""
    right_create: str = ""  # may send a file and see what it would do
    right_post: str = ""  # may write it
    tables: Sequence[Table] = ()
    mapped: bool = False  # one table, whose columns a person names
    primary: str = ""  # the table whose rows people count; default: the first
    undo_order: Sequence[str] = ()  # database tables, children first
    fills: Sequence[str] = ()  # database tables that a large import swells: tidied after it

    def check(self, cursor: "CursorWrapper") -> None:
        """Set problem and action of every staged row, by set-based SQL. Tables without a file are there and empty."""
        raise NotImplementedError

    def usual_action(self, cursor: "CursorWrapper") -> Action | None:
        """What `check` will find for most rows, so that it sets the others only; None when it sets every row."""
        return None

    def write(self, cursor: "CursorWrapper", batch: "ImportBatch | None") -> dict[str, Any] | None:
        """Write the staged rows; more counts for the result, if any. Joined by audit and events in one transaction."""
        raise NotImplementedError

    @property
    def right_read(self) -> str:
        return f"{self.right_create.rpartition('.')[0]}.read"

    def why_not_by(self, batch: "ImportBatch", by: "User | None") -> str:
        """Why this person neither writes nor undoes this import, in words; empty when they may. by: None for a command.

        A source whose rows are worth a second person says here that whoever sent them is none.
        """
        return ""

    def may_read(self, user: "User") -> bool:
        """Whether the person may see imports of this kind and their files."""
        return any(user.may(right) for right in (self.right_create, self.right_post, self.right_read))

    def result_url(self, batch: "ImportBatch") -> str:
        """Where the written rows can be seen; empty when there is no such page."""
        return ""

    def obstacles(self, cursor: "CursorWrapper", batch: "ImportBatch") -> list[str]:
        """Sentences that say what depends on the batch; empty when it can be undone."""
        return []

    def undone(self, cursor: "CursorWrapper", batch: "ImportBatch") -> None:
        """Tell the world after the rows were taken back, in the same transaction (events)."""


class FileSource(Source):
    """A kind of import that reads its own files, and writes them in transactions of its own.

    The engine keeps the files, runs the jobs and draws the pages; what is found and asked is the source's to say.
    """

    # `counts["confirm"]`: so many things make the import doubtful that a person must confirm them before it is written;
    # who did stands in `mapping["confirmed"]`.
    left: str | Promise = ""  # what a cancelled writing leaves behind, in words
    findings_template: str = ""  # drawn with `findings` in place of the four numbers and the sheets
    question_template: str = ""  # drawn around the form of `question`
    question_title: str | Promise = ""  # what the step is called in which it is asked

    def files_form(self, *args: Any, **kwargs: Any) -> "Form":
        """The form of step one; its field `uploads` cleans to a list."""
        raise NotImplementedError

    def options(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What the form said beside the files, kept as the batch's mapping."""
        return {}

    def look(self, batch: "ImportBatch", work: "Work") -> dict[str, Any]:
        """What the import would do: values for the batch's `counts` and `preview`. Raises Refusal, Asked."""
        raise NotImplementedError

    def take(self, batch: "ImportBatch", work: "Work") -> None:
        """Write, and end by making the batch committed. Goes on where a killed one stopped. Raises Refusal, Waits."""
        raise NotImplementedError

    def has_begun(self, batch: "ImportBatch") -> bool:
        """Whether something of an import that is not committed is written already."""
        return False

    def take_back(self, cursor: "CursorWrapper", batch: "ImportBatch", by: "User | None") -> int:
        """Undo in the caller's transaction; how many rows. Raises NotUndoable."""
        raise NotImplementedError

    def undo_words(self, batch: "ImportBatch") -> str:
        """What undoing would do, for the page that asks."""
        raise NotImplementedError

    def question(self, batch: "ImportBatch", user: "User", data: Any = None) -> "Form":
        """What a person is asked, from the preview that `Asked` left."""
        raise NotImplementedError

    def answer(self, batch: "ImportBatch", form: "Form", by: "User") -> dict[str, Any]:
        """The batch's new mapping, from the valid form of `question`."""
        raise NotImplementedError

    def findings(self, batch: "ImportBatch") -> dict[str, Any]:
        """What `findings_template` shows; `to_write` is what can be written."""
        raise NotImplementedError

    def failures_file(self, batch: "ImportBatch") -> tuple[str, bytes] | None:
        """Name and content of what could not be read, if anything."""
        return None


_sources: dict[str, Source] = {}


def register(source: Source) -> Source:
    _sources[source.key] = source
    return source


def get(key: str) -> Source:
    return _sources[key]


def title_of(batch: "ImportBatch") -> str:
    """The import's name for people; its key when this version does not know its source."""
    source = _sources.get(batch.source)
    return f"{source.title if source else batch.source} · {batch.pk}"


def right_to_read(batch: "ImportBatch") -> str:
    """What opens an import to others than who sent it; empty when this version does not know its source."""
    source = _sources.get(batch.source)
    return source.right_read if source else ""


def sources() -> list[Source]:
    return list(_sources.values())
