"""What is made of the log: data checks, drift, live quality, the policy and the report."""
