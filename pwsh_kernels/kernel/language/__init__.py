"""What editors ask of the language: completion, completeness, inspection, history."""
