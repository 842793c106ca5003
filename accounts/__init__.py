"""Who is acting and what they may do: people, organisations, memberships, roles."""
