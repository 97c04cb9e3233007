"""Integrated risk: any setback within four weeks."""
