"""The stand-ins for a campus that `make run` and the tests use: demo cameras and stand-ins for alert providers."""
