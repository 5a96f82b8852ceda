"""The door of Jupyter: what its routes and messages need, and who may use them."""
