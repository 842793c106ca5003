"""Words that search treats as equal: reviewed data, every change of which is public."""
