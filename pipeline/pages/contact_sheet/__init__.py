"""The contact sheet: the classifier's findings and the painted photos on one picture."""
