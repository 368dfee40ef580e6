"""The command line: one file per command, each thin: parse, call, print. Nothing here imports torch at start-up."""
