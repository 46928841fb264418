"""Figures as SVG with real text: seaborn on matplotlib for data, our own drawing for flow and
interval strips."""
