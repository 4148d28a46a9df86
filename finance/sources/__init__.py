"""What finance takes in through the imports of core."""

from backoffice.core.imports import register

from .budget import Budget
from .statements import Statements
from .titles import OpenTitles
from .trial_balance import TrialBalance

register(Budget())
register(Statements())
register(OpenTitles())
register(TrialBalance())
