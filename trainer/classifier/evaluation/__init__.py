"""How the classifier is measured."""
