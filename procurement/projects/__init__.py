"""Projects (調達案件): need, search evidence, candidates, selection."""
