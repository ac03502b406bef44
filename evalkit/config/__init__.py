"""Configuration: what a person types becomes a plan. The only place that knows Hydra.

`grid` turns axes into cells, `schema` turns composed YAML into values, `app` is the Hydra program around both.
"""
