"""Looking inside: gradients through time, states and gates, worked examples."""
