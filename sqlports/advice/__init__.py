"""What to say of a statement: of one that is wrong, and of one that cannot mean what it says. Imported when it is needed."""
