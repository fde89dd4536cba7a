"""Every stationary point in a box, with its kind and a proof: interval Newton, branch and bound."""
