"""Who calls, and what they may do where: principals, their grants, and the decision."""
