"""What is offered against which standard: specifications, offerings, listings and certificates."""
