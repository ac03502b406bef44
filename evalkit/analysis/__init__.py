"""What rows mean: intervals, summaries, comparisons, calibration, and the sentence that they allow."""
