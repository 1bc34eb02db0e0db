"""Tables: columns of numbers, categories, booleans, dates and texts, with gaps; read, described and prepared for a network."""
