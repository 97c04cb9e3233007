"""Assessment: what the predictions and features of a person together ask for: a plan of action, forecasts, opportunities."""
