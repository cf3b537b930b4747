"""What the style network that ships is made from, and how its folders are arranged."""
