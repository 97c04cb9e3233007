"""Features online: Feast entities, sources, views and services over the lake."""
