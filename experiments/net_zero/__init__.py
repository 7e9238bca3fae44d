"""Model E: a net-zero system whose shared storage leases private lines to bargaining prosumers."""
