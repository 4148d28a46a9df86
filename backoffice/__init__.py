"""The roof. It imports nothing: `backoffice.launch` runs before anything is installed."""
