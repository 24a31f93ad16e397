"""The commands that are words: each module has `misuse(options)` and `run(engine, options)`."""
