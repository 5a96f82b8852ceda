"""What happens to one execution, from the request to its end."""
