"""Questions, quote requests, and quotes that stay sealed until two people open them."""
