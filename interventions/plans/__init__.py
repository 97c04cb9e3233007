"""A weekly workout plan per person, composed from a reviewed catalogue of exercises."""
