"""Who may do what: one table in code, seeded into groups after each migration (matrix of roles against objects).

A right is `<area>.<object>.<verb>`; verbs: create, edit, submit, approve, post, read, export.
`user.may("logistics.order.read")` asks it, `@entrance("logistics.order.read")` puts it on a door. A role's cell lists
its verbs by letter, as in the matrix.
"""

from dataclasses import dataclass
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

VERBS = {
    "C": "create",
    "U": "edit",
    "S": "submit",
    "A": "approve",
    "P": "post",
    "R": "read",
    "X": "export",
}


@dataclass(frozen=True)
class Role:
    key: str
    name: str | Promise
    department: str | None  # whose dashboards and queue come first
    sensitive: bool = False  # can approve or see pay: a second factor is required in production


ROLES = [
    Role("admin", _("Administrator"), None, sensitive=True),
    Role("finance_clerk", _("Finance clerk"), "finance"),
    Role("finance_manager", _("Finance manager"), "finance", sensitive=True),
    Role("logistics_clerk", _("Logistics clerk"), "logistics"),
    Role("logistics_manager", _("Logistics manager"), "logistics", sensitive=True),
    Role("hr_analyst", _("HR analyst"), "hr", sensitive=True),
    Role("hr_manager", _("HR manager"), "hr", sensitive=True),
    Role("marketing_analyst", _("Marketing analyst"), "marketing"),
    Role("director", _("Director"), None, sensitive=True),
    Role("auditor", _("Auditor"), None, sensitive=True),
    Role("employee", _("Employee"), None),
]

_COLUMNS = ["admin", "finance_clerk", "finance_manager", "logistics_clerk", "logistics_manager",
            "hr_analyst", "hr_manager", "marketing_analyst", "director", "auditor", "employee"]  # fmt: skip

# fmt: off
MATRIX: dict[str, str] = {
    #                              ADM   FC    FM    LC    LM    HA    HM    MA    DIR   AUD   EMP
    "core.person":               "CUR  -     -     -     -     -     -     -     R     R     -",
    "core.audit":                "R    -     -     -     -     -     -     -     R     RX    -",
    "core.party":                "-    CURX  RAX   CUR   RX    -     -     CUR   RX    RX    -",
    "core.job":                  "UR   -     -     -     -     -     -     -     -     R     -",
    "core.view":                 "CU   CU    CU    CU    CU    CU    CU    CU    CU    -     -",
    "core.comment":              "-    CR    CR    CR    CR    CR    CR    CR    CR    R     -",
    "core.task":                 "CUR  CUR   CUR   CUR   CUR   CUR   CUR   CUR   CUR   R     UR",
    "finance.entry":             "-    CSR   ARX   -     -     -     -     -     RX    RX    -",
    "finance.account":           "-    R     CUR   -     -     -     -     -     R     R     -",
    "finance.period":            "-    R     PSR   -     -     -     -     -     AR    R     -",
    "finance.report":            "-    R     RX    -     -     -     -     -     RX    RX    -",
    "finance.budget":            "-    -     CUR   -     -     -     -     -     R     R     -",
    "finance.bank_account":      "-    R     CUR   -     -     -     -     -     R     R     -",
    "finance.statement_import":  "-    CPR   CPR   -     -     -     -     -     -     R     -",
    "finance.payment":           "-    RX    RX    R     RX    -     -     -     RX    RX    -",
    "finance.match":              "-    PR    PRAX  -     -     -     -     -     RX    RX    -",
    "finance.match_rule":        "-    CR    CUAR  -     -     -     -     -     AR    R     -",
    "finance.title":             "-    CUSRX ARX   R     R     -     -     R     ARX   RX    -",
    "finance.invoice":           "-    CUSRX ARX   R     R     -     -     R     ARX   RX    -",
    "finance.bill":              "-    CUSRX ARX   -     -     -     -     -     ARX   RX    -",
    "finance.write_off":         "-    SR    AR    -     -     -     -     -     AR    R     -",
    "finance.above_limit":       "-    -     -     -     -     -     -     -     A     -     -",
    "finance.title_import":      "-    CPR   CPR   -     -     -     -     -     PR    R     -",
    "logistics.order":           "-    R     RX    CURX  CURX  -     -     R     RX    RX    -",
    "logistics.order_import":    "-    -     -     CPR   CPR   -     -     -     R     R     -",
    "logistics.exception":       "-    USR   USARX USRX  USARX -     -     -     RAX   RX    -",
    "logistics.product":         "-    R     R     CUR   RX    -     -     R     R     R     -",
    "marketing.lead":            "-    -     -     -     -     -     -     CURX  RX    RX    -",
    "marketing.lead_import":     "-    -     -     -     -     -     -     CPR   R     R     -",
    "kpis.finance":              "-    R     RX    -     -     -     -     -     RX    RX    -",
    "kpis.logistics":            "-    -     -     R     RX    -     -     -     RX    RX    -",
    "kpis.hr":                   "-    -     -     -     -     R     RX    -     RX    RX    -",
    "kpis.marketing":            "-    -     -     -     -     -     -     RX    RX    RX    -",
    "kpis.directors":            "-    -     -     -     -     -     -     -     RX    RX    -",
}
# fmt: on


@cache
def grants() -> dict[str, frozenset[str]]:
    """Role key → the rights it holds."""
    table: dict[str, set[str]] = {role.key: set() for role in ROLES}
    for subject, row in MATRIX.items():
        for role, cell in zip(_COLUMNS, row.split(), strict=True):
            table[role] |= {f"{subject}.{VERBS[letter]}" for letter in cell if letter != "-"}
    return {role: frozenset(held) for role, held in table.items()}


def rights() -> list[str]:
    """Every right there is, in order."""
    return sorted(set().union(*grants().values()))


def roles_with(right: str) -> list[Role]:
    """The roles that grant `right`, for the page that says who can help."""
    table = grants()
    return [role for role in ROLES if right in table[role.key]]


@dataclass(frozen=True)
class Conflict:
    """Two duties that one person should not hold together; said when a role is given, and reported."""

    text: str | Promise
    roles: frozenset[str] = frozenset()  # all of them held
    one: tuple[str, ...] = ()  # endings of rights: one of these …
    other: tuple[str, ...] = ()  # … and one of those

    def meets(self, roles: set[str], held: set[str]) -> bool:
        if self.roles:
            return self.roles <= roles
        return any(right.endswith(self.one) for right in held) and any(right.endswith(self.other) for right in held)


CONFLICTS = [
    Conflict(
        _("Enters and approves: finance clerk and finance manager in one hand."),
        roles=frozenset({"finance_clerk", "finance_manager"}),
    ),
    Conflict(
        _("Enters and approves: logistics clerk and logistics manager in one hand."),
        roles=frozenset({"logistics_clerk", "logistics_manager"}),
    ),
    Conflict(
        _("Prepares and approves pay: HR analyst and HR manager in one hand."),
        roles=frozenset({"hr_analyst", "hr_manager"}),
    ),
    Conflict(_("Gives roles and approves business."), one=("core.person.edit",), other=(".approve",)),
    Conflict(
        _("Audits what they write themselves."),
        one=("core.audit.export",),
        other=(".create", ".edit", ".submit", ".approve", ".post"),
    ),
]
