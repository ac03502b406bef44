"""Makes the demo's voices: twelve Kokoro speakers, four with eleven clips, eight with five, as FLAC with a voice.yaml.

    python -m evalkit fetch kokoro_int8 kokoro_voices && python scripts/make_demo_voices.py

The speech is synthetic, so anyone may use it. The speakers are kept out of the bank that engine=kokoro speaks
with; each says sentences of its own, so that words of one voice's prompt can be told from another's.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import yaml
from kokoro_onnx import Kokoro

from evalkit.audio import Audio, write_flac
from evalkit.engines.kokoro import ACCENTS, BANK, read_style
from evalkit.weights.assets import library

OUT = Path(__file__).parent.parent / "probes/voices"
FOLDERS = {11: "demo", 5: "demo_more"}  # by the number of clips
PEAK = 0.7
HELD_OUT = 2  # the last clips of each voice

SENTENCES = {
    "female_us": (
        "af_bella",
        [
            "The baker opened her shop before sunrise and filled the window with warm bread.",
            "Nobody in the village could remember a winter quite as cold as this one.",
            "She folded the letter twice and slipped it under the door without a sound.",
            "Our neighbors planted a row of young maples along the edge of the field.",
            "If the ferry is late again, we will have to walk across the old bridge.",
            "A gray cat slept on the piano while the children practiced their scales.",
            "The museum keeps its oldest maps in a drawer that is almost never opened.",
            "He poured the coffee slowly and listened to the rain against the glass.",
            "They painted the kitchen yellow because the afternoon light was so thin.",
            "By the time the music ended, every chair in the garden had been taken.",
            "Please carry these boxes upstairs and leave them beside the tall mirror.",
        ],
    ),
    "female_gb": (
        "bf_emma",
        [
            "The lighthouse keeper wrote down the height of every tide for thirty years.",
            "My grandmother sold apples from a cart at the corner of the market square.",
            "We could hear the orchestra tuning as we climbed the narrow staircase.",
            "There is a path behind the church that leads straight to the river.",
            "The judge asked the witness to speak up and to take her time.",
            "Fresh snow had covered the tracks, so the dogs lost the trail at noon.",
            "Tell your brother that his bicycle has been standing in our hall since June.",
            "A cloud of starlings turned over the harbour like smoke in the wind.",
            "The engineer tapped the pipe and knew at once where the trouble was.",
            "He learned to sail on a lake so small that it had no name.",
            "Both sisters laughed at the joke, though neither had understood it.",
        ],
    ),
    "male_us": (
        "am_michael",
        [
            "The mechanic wiped his hands and said the engine would last another year.",
            "Every spring the creek rises high enough to cover the lower road.",
            "She bought a secondhand camera and photographed nothing but doorways.",
            "The pilot circled the airport twice before the fog began to lift.",
            "There were only six tickets left, and eleven people waiting in the line.",
            "My uncle builds wooden boats and names each one after a planet.",
            "The lecture was dull, but the questions afterward were worth the trip.",
            "Put the lamp on the shelf where the baby cannot pull it down.",
            "A long freight train rattled past and shook the windows of the diner.",
            "He promised to return the ladder, but that was three summers ago.",
            "The soup needs more salt, a little pepper, and ten minutes on the fire.",
        ],
    ),
    "male_gb": (
        "bm_george",
        [
            "The postman knows which gates to close and which dogs to greet by name.",
            "After the storm we found a wooden chair hanging in the branches of an oak.",
            "The committee will meet on Monday to discuss the colour of the new benches.",
            "An old clock ticked in the corridor, always seven minutes behind the rest.",
            "Would you kindly move your umbrella, since it is dripping on my shoes?",
            "The gardener covered the roses with straw as soon as the frost came.",
            "They crossed the moor in silence, each thinking of the fire at home.",
            "I have never seen a horse so pleased with a single carrot.",
            "The tailor measured the cloth, shook his head, and measured it again.",
            "A thin moon hung above the rooftops, and the streets were full of leaves.",
            "He read the final chapter first and spoiled the mystery for himself.",
        ],
    ),
    "female_us_2": (
        "af_sarah",
        [
            "The violin case was empty, and the window behind it stood open.",
            "We drove past miles of orange groves before anybody spoke again.",
            "Her cousin keeps bees on the roof of a bakery downtown.",
            "Someone had left a red scarf on the very last bench.",
            "The dentist hummed quietly while he looked for the right drawer.",
        ],
    ),
    "female_us_3": (
        "af_kore",
        [
            "A paper kite was caught in the wires above the schoolyard.",
            "They measured the doorway twice, and still the sofa would not fit.",
            "The ranger told us which berries were safe to pick.",
            "My brother learned to whistle before he learned to read.",
            "Steam rose from the manhole and drifted across the crosswalk.",
        ],
    ),
    "female_us_4": (
        "af_nova",
        [
            "The auction began an hour late because of the heavy rain.",
            "He sketched the harbor from memory on the back of a menu.",
            "Three small turtles were sunning themselves along the fallen log.",
            "Nobody had wound the kitchen clock since the end of August.",
            "The choir practiced in the basement where the sound was softer.",
        ],
    ),
    "male_us_2": (
        "am_fenrir",
        [
            "The plumber found a silver ring at the bottom of the sink.",
            "Every Friday the whole crew shared one enormous pot of chili.",
            "The tent leaked a little, but the stars were worth it.",
            "She traded her old skates for a box of used records.",
            "A brown dog slept in the shade of the gas station.",
        ],
    ),
    "male_us_3": (
        "am_puck",
        [
            "The elevator stopped between floors, and everyone began to laugh.",
            "Our teacher kept a jar of smooth stones on her desk.",
            "The river froze so clear that we could see the fish.",
            "He bought a ticket to the coast without packing a bag.",
            "The barber has cut hair on this corner for forty years.",
        ],
    ),
    "male_us_4": (
        "am_echo",
        [
            "The farmer whistled once and the sheep came down the hill.",
            "Fresh paint was drying on every door along the hallway.",
            "The drummer tapped the table with two wooden spoons.",
            "We waited on the porch until the thunder moved away.",
            "An old map of the county hung beside the cash register.",
        ],
    ),
    "female_gb_2": (
        "bf_isabella",
        [
            "The kettle had barely boiled when the doorbell rang again.",
            "Her allotment grows nothing but beans, leeks and rhubarb.",
            "We took the slow train so that we could see the coast.",
            "The librarian stamped each book with the greatest of care.",
            "A pair of muddy boots stood drying beside the stove.",
        ],
    ),
    "male_gb_2": (
        "bm_fable",
        [
            "The chimney sweep arrived early and asked for a cup of tea.",
            "Half the village turned out to watch the bridge being opened.",
            "He wore the same grey jumper for the whole of that winter.",
            "The ferryman would not take money from anyone he knew.",
            "Rain had washed the chalk from the pavement by morning.",
        ],
    ),
}


def main() -> None:
    """Writes the voices that are not there."""
    session = onnxruntime.InferenceSession(
        str(library().file("kokoro_int8", "model.onnx")), providers=["CPUExecutionProvider"]
    )
    speaker = Kokoro.from_session(session, str(BANK))
    for name, (speaker_name, sentences) in SENTENCES.items():
        style = read_style(library().file("kokoro_voices", f"{speaker_name}.bin"))
        folder = OUT / FOLDERS[len(sentences)] / name
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        clips = []
        for index, text in enumerate(sentences, start=1):
            samples, rate = speaker.create(text, style, lang=ACCENTS[speaker_name[0]])
            use = "held_out" if index > len(sentences) - HELD_OUT else "prompt"
            file = f"{use}_{index:02}.flac"
            write_flac(folder / file, Audio((samples / np.abs(samples).max() * PEAK).astype(np.float32), rate))
            clips.append({"file": file, "use": use, "text": text})
            print(f"{name}/{file}: {len(samples) / rate:.2f} s")
        manifest = {
            "name": name,
            "language": "en",
            "licence": "CC0-1.0",
            "source": f"synthetic speech: Kokoro-82M v1.0 (Apache-2.0), voice {speaker_name}",
            "clips": clips,
        }
        (folder / "voice.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, width=120))


if __name__ == "__main__":
    main()
