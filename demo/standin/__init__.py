"""A strict local stand-in for Twilio, Google's OAuth2 and FCM, and a mail server.

It speaks their published interfaces, refuses what they refuse, and shows what "arrived". Nothing leaves
the machine. The real client libraries reach it unchanged, through an HTTPS proxy with a CA of its own.
"""
