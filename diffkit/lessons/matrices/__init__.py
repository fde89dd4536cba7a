"""Arrays in text: expressions of vectors and matrices, their derivatives at data and for any size, and identities."""
