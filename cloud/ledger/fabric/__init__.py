"""Brings up a Hyperledger Fabric network on this machine, and describes one for production."""
