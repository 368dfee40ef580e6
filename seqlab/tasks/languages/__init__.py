"""Languages: strings by the rules of a grammar or an automaton."""
