"""What a person sees in a cell: text, tables, progress bars, pictures."""
