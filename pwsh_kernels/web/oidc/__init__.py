"""The door for people whom an OpenID provider knows."""
