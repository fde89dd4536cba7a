"""What is proven: enclosures and their confirmation, what odd points are, the value others are judged by."""
