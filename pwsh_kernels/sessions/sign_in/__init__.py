"""How somebody signs in, and who it turned out to be."""
