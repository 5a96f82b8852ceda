"""The two addresses of a sign-in through an OpenID provider."""

LEAVE, COME_BACK = "/oidc/sign-in", "/oidc/callback"
