"""Standard specifications (標準仕様書), their versions and requirements."""
