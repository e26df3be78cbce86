"""The report: one HTML file that says what a climb brought, at what price, and how far to trust it."""
