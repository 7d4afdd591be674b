"""Telling people: who is due, by which provider, again after how long, and the link they answer with."""
