"""Prompts: what an engine is conditioned on, audio and words taken together.

`settings` says how a prompt is built, `pieces` prepares clips, `cut` finds where to end, `build` does it.
"""

from evalkit.prompts.build import REVISION, Ears, Prompt, ReferenceText, TextSource, build_prompt
from evalkit.prompts.settings import PromptSettings

__all__ = ["REVISION", "Ears", "Prompt", "PromptSettings", "ReferenceText", "TextSource", "build_prompt"]
