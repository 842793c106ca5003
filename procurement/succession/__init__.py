"""One vendor takes over from another: a whole company, or one offering."""
