"""The language box and cloud share: types, wire messages, hashing and ports. Imports neither tier."""
