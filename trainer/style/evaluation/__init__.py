"""How the style network is measured."""
