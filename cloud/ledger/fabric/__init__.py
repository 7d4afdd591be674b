"""A Hyperledger Fabric network of plain processes on this machine: identities, configuration, processes, channels."""
