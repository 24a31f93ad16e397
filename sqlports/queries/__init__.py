"""The named queries that come with the project: `ls` is their list, and `sqlports run NAME` runs one."""
