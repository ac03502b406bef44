"""The data's way through a run: plan, schedule, prompts, synthesis, judging, evidence, rows, report."""
