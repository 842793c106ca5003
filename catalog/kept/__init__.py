"""What a person keeps for computing costs: the conditions, and what today's contract costs."""
