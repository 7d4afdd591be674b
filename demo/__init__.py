"""What `make run` and the tests use in place of a campus: demo cameras and stand-ins for alert providers."""
