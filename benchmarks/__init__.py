"""Measurements of what the product promises, each beside a plain way of doing the same in the same run."""
