"""What port numbers mean: IANA's registry, what commonly runs where, and the rules of bind(2). Nothing here asks the system."""
