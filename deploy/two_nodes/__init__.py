"""A Kubernetes of two nodes on this machine, for `make test-kubernetes`."""
