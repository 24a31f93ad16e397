"""The catalogue: one file, one table (.py) or view (.sql), of the same name. Installed as `sqlports.tables`."""
