"""osquery's shell on our engine: its options, formats and commands, so that scripts written for it run."""
