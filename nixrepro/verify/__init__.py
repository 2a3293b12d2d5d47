"""Whether lock, closure and result agree: one module a check, each answering with verdicts."""
