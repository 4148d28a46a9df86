"""A storm over the books, replayed by its seed: acts of every kind, faults in their middle, a proof after each.

`play.py` draws an act, draws a fault, lets it happen and asks `checks.py` whether the books still keep every promise.
`world.py` is a second set of books, in memory: it says before each act what must come of it. `acts/` are the acts, one
family a file; `faults.py` breaks connections, transactions and processes in the middle, and does things twice at once.
"""
