"""The pages for people: what is rendered at the address of the server, without a build chain."""
