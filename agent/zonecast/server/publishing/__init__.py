"""From a branch to the store: `branch` watches and gives jobs, `publisher` is the process that does
one: `planning` reads and judges what changed, `publish` writes it."""
