"""What the books say: each report one module that reads, `sheets` the shape they share, `files` how they leave.

Figures are Decimal, debit positive, until a sheet turns them the way people read them.
"""
