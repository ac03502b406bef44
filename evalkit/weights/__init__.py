"""Weights: which there are, where they lie, how they are fetched, loaded and checked; the devices they compute on."""
