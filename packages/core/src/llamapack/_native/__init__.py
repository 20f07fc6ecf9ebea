"""Everything that touches C: the libraries, their functions, and who owns what they return."""
