"""The door of REST: routes, handlers, bodies."""
