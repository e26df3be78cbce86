"""The picture of accuracy against compute: one description of the drawing, written as SVG or PNG."""
