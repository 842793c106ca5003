"""Sample data for development: fictitious vendors, services and cases, made by the acts themselves."""
