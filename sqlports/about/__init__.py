"""What there is to ask, and what a query does: tables, columns and functions described, and plans in words."""
