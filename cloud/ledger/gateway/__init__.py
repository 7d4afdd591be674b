"""A thin client of the Fabric Gateway service (Hyperledger Fabric 2.4 and newer). Knows nothing of incidents."""
