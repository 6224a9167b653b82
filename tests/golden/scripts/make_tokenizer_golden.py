#!/usr/bin/env python3
"""Makes the golden files of the tokenizer tests with the Hugging Face `tokenizers` library.

usage: make_tokenizer_golden.py OUT_DIR [FOREIGN_TOKENIZER_JSON]

Writes into OUT_DIR:
  foreign_tokenizer.json  a small tokenizer in the style of GuppyLM's (alphabet of its text only)
  complete_tokenizer.json the same text with all 256 bytes, to compare our trainer with
  tokenizer_corpus.txt    the text that both were trained on, one text a line
  tokenizer_golden.json   {"foreign": [[text, ids], ...], "complete": [...], "guppy": [...]}
"guppy" needs FOREIGN_TOKENIZER_JSON, GuppyLM's shipped tokenizer, which is not part of Shoal; only
ids are stored. All sentences are our own. Needs Python 3 with `tokenizers`; tests never run this.
"""
import json
import random
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SPECIALS = ["<pad>", "<|im_start|>", "<|im_end|>"]

OPENINGS = ["the lamp", "a small boat", "the old keeper", "one gull", "the tide", "my left paw",
            "that grey seal", "the kettle", "nobody", "the fog"]
VERBS = ["waits for", "sings to", "doesn't trust", "polishes", "counts", "we've seen", "'s lost",
         "will remember", "borrowed", "i'm sure likes"]
ENDINGS = ["the morning", "seven shells", "another storm.", "its own shadow", "me, i think", "the rope",
           "12 buttons", "a letter from 1987", "everyone's soup", "the harbour bell..."]

SENTENCES = [
    "", " ", "  ", "a", "the lamp waits for the morning", "THE LAMP", "Hello, World!", "what?!",
    "i've you'll he'd she's we're i'm don't 'tis 'S 'LL", "it''s", "a  b   c    d", " leading",
    "trailing   ", "line\nbreak\r\nwindows\ttab", "\n\n\n", "\n \n x", "x \n", "3 boats, 12 gulls, 1987",
    "1234567890", "x1y2", "_under_score_", "a-b--c", "....", "(paw) [shell] {rope}", "\u00e9t\u00e9 na\u00efve",
    "caf\u00e9", "e\u0301", "\u4f60\u597d\uff0c\u4e16\u754c", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440", "\u0645\u0631\u062d\u0628\u0627",
    "\u0928\u092e\u0938\u094d\u0924\u0947", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155", "\U0001f9a6 otter",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1ee", "\u00a0nbsp\u00a0 x", "a\u3000b", "\u2028sep\u2029",
    "\u0085nel", "\u180emvs", "\u200bzw", "\ufeffbom", "\x00nul\x01\x7f", "\u00bd \u2167 \u0663 \u00b2", "\ufffd",
    "<|im_start|>user\nthe tide<|im_end|>\n<|im_start|>assistant\na small boat<|im_end|>",
    "<pad><pad>", "<|im_start|", "<|im_start|><|im_end|>", "a<|im_end|>b", " <|im_end|> ", "<|im_end|>\n\n  x",
    "<|im_end", "im_start|>", "seven shells seven shells seven shells", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "the the the", "thethethe", "\U0010ffff", "\u0139\u0120\u010a", "don\u2019t \u201cquote\u201d \u2014 dash\u2026",
]


def corpus(rng, count):
    out = []
    for _ in range(count):
        out.append(f"{rng.choice(OPENINGS)} {rng.choice(VERBS)} {rng.choice(ENDINGS)}")
    return out


def make(texts, vocab_size, alphabet):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, special_tokens=SPECIALS, initial_alphabet=alphabet,
        show_progress=False))
    return t


def cases(tokenizer, texts):
    return [[text, tokenizer.encode(text, add_special_tokens=False).ids] for text in texts]


def main():
    out = sys.argv[1]
    rng = random.Random(7)
    texts = corpus(rng, 400)
    pieces = [c for s in SENTENCES for c in s] + OPENINGS + VERBS + ENDINGS + SPECIALS + [" ", "\n", "'s"]
    mixed = ["".join(rng.choice(pieces) for _ in range(rng.randint(1, 24))) for _ in range(150)]
    foreign = make(texts, 300, [])
    complete = make(texts, 500, sorted(pre_tokenizers.ByteLevel.alphabet()))
    golden = {"foreign": cases(foreign, SENTENCES + mixed), "complete": cases(complete, SENTENCES + mixed)}
    if len(sys.argv) > 2:
        golden["guppy"] = cases(Tokenizer.from_file(sys.argv[2]), SENTENCES + mixed)
    foreign.save(f"{out}/foreign_tokenizer.json")
    complete.save(f"{out}/complete_tokenizer.json")
    with open(f"{out}/tokenizer_corpus.txt", "w", encoding="utf-8") as f:
        f.write("\n".join(texts) + "\n")
    with open(f"{out}/tokenizer_golden.json", "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(
            f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(c) for c in v) + "\n]" for k, v in golden.items()) + "\n}\n")


if __name__ == "__main__":
    main()
