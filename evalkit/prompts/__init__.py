"""How prompts are built, audio and words taken together.

`settings` says how a prompt is built, `pieces` prepares clips, `cut` proposes where to end, `ending` decides by
hearing, `build` does it all.
"""

from evalkit.prompts.build import REVISION, Hearing, ReferenceText, build_prompt
from evalkit.prompts.settings import PromptSettings

__all__ = ["REVISION", "Hearing", "PromptSettings", "ReferenceText", "build_prompt"]
