# SPDX-License-Identifier: MIT
"""Inputs for tools/bench/search.sh that the shared data do not have as they are: photographs in the size of
the segmentation model, and lines of text for the text detector.

    usage: search_data.py SHARED_FOLDER OUTPUT_FOLDER"""
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

shared, out = sys.argv[1:]


def photographs(name, n):
    images = np.load(f"{shared}/data/imagenet/{name}_images.npy", mmap_mode="r")[:n]
    return np.stack([np.asarray(Image.fromarray(x).resize((257, 257), Image.BILINEAR)) for x in images])


WORDS = ("the quick brown fox jumps over a lazy dog while sixty zippers were picked from woven jute bags "
         "1984 2026 x = 37.5 % total due invoice number date amount please keep this receipt").split()


def text(rng):
    """Three lines of words, light on dark or dark on light, of different sizes."""
    ground, ink = (int(rng.integers(170, 255)), int(rng.integers(0, 90)))
    if rng.random() < 0.3:
        ground, ink = ink, ground
    page = Image.new("L", (320, 160), ground)
    y = int(rng.integers(2, 16))
    while y < 130:
        line = " ".join(rng.choice(WORDS, 5))
        font = ImageFont.load_default()
        left, top, right, bottom = font.getbbox(line)
        w, h = right, bottom
        strip = Image.new("L", (w, h), ground)
        ImageDraw.Draw(strip).text((0, 0), line, fill=ink, font=font)
        zoom = rng.uniform(1.2, 2.6)
        strip = strip.resize((int(w * zoom), int(h * zoom)), Image.BILINEAR)
        page.paste(strip, (int(rng.integers(2, 40)), y))
        y += int(h * zoom + rng.integers(6, 30))
    noise = rng.normal(0, rng.uniform(1, 6), (160, 320))
    grey = np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, 2)


rng = np.random.default_rng(1)
np.save(f"{out}/deeplab_calib.npy", photographs("calib", 16))
np.save(f"{out}/deeplab_eval.npy", photographs("eval", 18))
np.save(f"{out}/text_calib.npy", np.stack([text(rng) for _ in range(12)]))
np.save(f"{out}/text_eval.npy", np.stack([text(rng) for _ in range(18)]))
