"""Everything that asks the operating system: readers and parsers on one side, one consistent look (Snapshot) on the other."""
