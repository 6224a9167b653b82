#!/usr/bin/env python3
"""Makes the golden files of tokenizer_styles_test with the Hugging Face `tokenizers` library.

usage: make_tokenizer_styles.py OUT_DIR [--vocab N] [--random N] [NAME=TOKENIZER ...]

Writes into OUT_DIR:
  corpus.json   texts: every script, emoji, controls, white space, normal forms, long words
  STYLE.json    small tokenizers, trained here on these texts, in the styles of known models
  ids.json      {"versions": ..., "ids": {STYLE: ["COUNT:HASH", ...]}}, a text each; HASH is the
                beginning of the SHA-256 of the ids in decimal, separated by commas, a newline, and
                the text they decode to
A NAME=TOKENIZER adds the ids of a tokenizer that is not part of Shoal: a tokenizer.json, a
vocab.txt of WordPiece (read as BERT's uncased), or an encoder.json with vocab.bpe beside it.
--random adds N random texts, for a search for differences. All texts are our own. Needs Python 3
with `tokenizers`; tests never run this.
"""
import argparse
import hashlib
import json
import os
import random
import sys
import unicodedata

import tokenizers
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        trainers)

CHAT = ["<pad>", "<|im_start|>", "<|im_end|>"]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

FIXED = [
    "", " ", "  ", "a", "Hello, World! HELLO WORLD", "we've I'LL you'd she's THEY'RE 'tis 'S 'LL it''s don\u2019t",
    "1 12 123 1234 12345 1,234.56 -7 1e9 x1y2 0x1F \u00bd \u2167 \u0663\u0664 \u00b2 \uff11\uff12",
    "line\nbreak\r\nwindows\ttab\r\n\r\n  x", "\n\n\n", " \n \n  x \n", "a  b   c    d", " leading", "trailing   ",
    "\u00a0nbsp\u00a0 x", "a\u3000b\u2003c\u1680d\u2028e\u2029f\u0085g\u202fh\u205fi", "\u180emvs \u200bzw \ufeffbom \u2060wj",
    "\x00nul\x01\x07\x0b\x0c\x1b\x7f\x80\x9f end", "\ufffd\ufffe\uffff \U0010ffff \ue000 \U000f0000 \u0378",
    "\u00e9 e\u0301 \u1e9b\u0323 q\u0307\u0323 \u212b \u2126 \u1100\u1161\u11a8 \uac01 \u0344 \u0958",
    "A\u030a\u0327\u0301\u0308z\u0335\u0338 Zalgo z\u0351\u036b\u0343\u036a\u0302\u036b\u033d",
    "\ufb01 \ufb03 \u2460 \u2122 \uff28\uff41 \u3300 \u33a5 \u1d400\U0001d4d0 \u00aa\u00ba \u017f \u212a",
    "\u0130stanbul I\u0131 \u1e9e \u00df \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u01c5 \u10a0\u1c90 \u0400\u0450 \u24b6",
    "\U0001f9a6 \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1eb\U0001f1ee\U0001f1f8\U0001f1ea "
    "\u2764\ufe0f \U0001f44d\U0001f3fd 1\ufe0f\u20e3 \U0001f3f4\U000e0067\U000e0062\U000e007f \u263a",
    "ok\U0001f600\U0001f600!!", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\uff76\uff80 \uc548\ub155\ud558\uc138\uc694",
    "\u4e2d\u6587abc\u4e2d\u6587 123\u4e2d \U00020000\U0002a6d6\U0002b740\U0002ceb0\U00030000\U000323af \uf900\U0002f800",
    "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd, \u0645\u064e\u0631\u0652\u062d\u064e\u0628\u0627\u064b \u200f\u061c \u06f1\u06f2\u06f3 \u2067x\u2069",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0915\u094d\u200d\u0937 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u1780\u17d2\u1798\u17c2\u179a",
    "\u043f\u0440\u0438\u0432\u0435\u0442 \u041c\u0418\u0420 \u0451\u0439 \u0391\u0392\u0393 \u03ac \u0531\u0561",
    "def f(x):\n\treturn {'a': [1, 2], \"b\": x ** 2}  # note\n\n", "https://example.org/a_b?c=d&e=%20f#g user@host.tld",
    "....!!!???---___***###@@@$$$%%%^^^&&&((()))[[[]]]{{{}}}<<<>>>|||\\\\\\///~~~```+++===;;;:::\"\"\"'''",
    "a_b-c.d/e\\f(g)h[i]j{k}l<m>n|o~p`q^r\u00abs\u00bb\u201ct\u201d\u2018u\u2019\u2014v\u2013w\u2026",
    "a" * 99, "b" * 100, "c" * 101, "\u00e9" * 100, "supercalifragilistic" * 20, "x" * 3000, " " * 300 + "y",
    "ab " * 120, "7" * 200, "\u4e2d" * 150, "!" * 120, "\n" * 40 + "z", "e" + "\u0301" * 120,
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\nHello<|im_end|>", "<pad><pad>",
    "<|im_start|", "a<|im_end|>b", " <|im_end|> ", "<|im_end|>\n\n  x", "x <mask> y", "x  <mask>  y", "<mask><mask>",
    "[CLS] a [SEP] b[MASK] [UNK] [PAD]", "[cls] [mask]", "word keyword words word\u00e9 _word word1 word, word", "Word WORD",
    "a\u0301word word\u0301 \u2040word\u200d word\u200c",
    "<|endoftext|> text<|endoftext|>", "   four     spaces        and\t\ttabs", "\u0164word \u00a0word\u00a0<mask>\u00a0",
    "It is what it is , isn ' t it ? do not !", "don't won't I'm it's we've they're", "\u2047 \u00a8 \u00af \u00b4 \u00b8",
]


def by_script(rng):
    """A text for every first word of a character's name, which tells scripts apart."""
    groups = {}
    for c in range(0x110000):
        char = chr(c)
        if unicodedata.category(char)[0] in "LMNPS":
            groups.setdefault(unicodedata.name(char, "NONE").split()[0].split("-")[0], []).append(char)
    texts = []
    for name in sorted(groups):
        chars = groups[name]
        if len(chars) < 16:
            continue
        letters = [c for c in chars if unicodedata.category(c)[0] == "L"] or chars
        words = ["".join(rng.choice(letters if rng.random() < 0.7 else chars) for _ in range(rng.randint(1, 6)))
                 for _ in range(4)]
        texts.append(rng.choice(["{} {} {}{}", "{}{} a{} {}", "{}  {}\n{} 1{}", "{}'s {}, {}!{}"]).format(*words))
    return texts


def random_texts(rng, count, corpus):
    """Random mixtures of characters of the corpus, and of all characters."""
    chars = [c for text in corpus for c in text if len(text) < 200]
    known = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cs",)]
    known = [c for c in known if ord(c) < 0x30000 or rng.random() < 0.01]
    common = list(" \n\t'.,abcABC19") + CHAT + ["<mask>", "'s", "'LL", "word", "  ", "\r\n"]
    pools = [chars, known, common]
    return ["".join(rng.choice(pools[rng.choice([0, 0, 1, 2, 2])]) for _ in range(rng.randint(1, 40)))
            for _ in range(count)]


def byte_level(normalizer, pre_tokenizer, **model):
    t = Tokenizer(models.BPE(**model))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizer
    t.decoder = decoders.ByteLevel()
    return t


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def styles(texts, vocab):
    P, N = pre_tokenizers, normalizers
    plain = P.ByteLevel(add_prefix_space=False, use_regex=False)
    gpt2 = P.ByteLevel(add_prefix_space=False)
    sequence = P.Sequence

    def trained(t, added=(), special=CHAT, alphabet=sorted(P.ByteLevel.alphabet())):
        t.train_from_iterator(texts, trainers.BpeTrainer(
            vocab_size=vocab, min_frequency=2, special_tokens=list(special), initial_alphabet=alphabet,
            show_progress=False))
        t.add_tokens(list(added))
        return t

    llama3 = trained(byte_level(None, sequence([split(LLAMA3), plain]), ignore_merges=True),
                     [AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)],
                     special=[])
    llama3.add_special_tokens(["<|endoftext|>"] + CHAT)
    yield "llama3", llama3
    yield "qwen2", trained(byte_level(N.NFC(), sequence([split(QWEN2), plain])),
                           [AddedToken("<think>", normalized=False)])
    yield "o200k", trained(byte_level(None, sequence([split(O200K), plain]), ignore_merges=True))
    yield "gpt_neox", trained(byte_level(N.NFC(), gpt2), [AddedToken(" " * n) for n in range(24, 1, -1)],
                              ["<|endoftext|>", "<|padding|>"])
    yield "smollm", trained(byte_level(None, sequence([P.Digits(True), gpt2])))
    yield "minimind", trained(byte_level(None, gpt2),
                              [AddedToken("<tool_call>", normalized=False), AddedToken("word", single_word=True)],
                              ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    yield "deepseek", trained(byte_level(N.Sequence([]), sequence(
        [split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), split(DEEPSEEK), plain])))
    yield "roberta", trained(byte_level(None, P.ByteLevel(add_prefix_space=True)),
                             special=["<pad>", AddedToken("<mask>", lstrip=True, special=True)])
    yield "normalized", trained(byte_level(
        N.Sequence([N.NFKC(), N.Lowercase(), N.Replace(Regex(r"\s+"), " "), N.Replace("ab", "ba")]),
        sequence([P.Punctuation("contiguous"), P.Digits(False), split("[aeiou]", "merged_with_previous"),
                  split(r"[lmn]+", "merged_with_next"), plain])),
        [AddedToken("word"), AddedToken("<mask>", rstrip=True, normalized=False)])
    yield "accents", trained(byte_level(
        N.Sequence([N.NFKD(), N.StripAccents(), N.Strip(), N.Prepend("> ")]),
        sequence([P.WhitespaceSplit(), split(r"\w+|[^\w\s]+", "removed", True), split("e", "contiguous"), plain])))
    # Over characters, with an unknown token.
    chars = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    chars.normalizer = N.NFD()
    chars.pre_tokenizer = split(r"\s+", "merged_with_next")
    chars.decoder = decoders.Fuse()
    chars.train_from_iterator(texts[:60], trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=["<unk>"] + CHAT, limit_alphabet=150, show_progress=False))
    yield "characters", chars
    for name, normalizer in (("wordpiece_uncased", N.BertNormalizer()),
                             ("wordpiece_cased", N.BertNormalizer(lowercase=False, handle_chinese_chars=False))):
        t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        t.normalizer = normalizer
        t.pre_tokenizer = P.BertPreTokenizer()
        t.decoder = decoders.WordPiece()
        t.train_from_iterator(texts, trainers.WordPieceTrainer(
            vocab_size=vocab, limit_alphabet=250, show_progress=False,
            special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
        yield name, t


def load(path):
    if path.endswith("encoder.json"):
        t = Tokenizer(models.BPE.from_file(path, os.path.join(os.path.dirname(path), "vocab.bpe")))
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.decoder = decoders.ByteLevel()
        t.add_special_tokens(["<|endoftext|>"])
        return t
    if path.endswith(".txt"):
        t = Tokenizer(models.WordPiece.from_file(path, unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer()
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.decoder = decoders.WordPiece()
        t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        return t
    return Tokenizer.from_file(path)


def digest(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    back = tokenizer.decode(ids, skip_special_tokens=False)
    listed = ",".join(map(str, ids)) + "\n" + back
    return f"{len(ids)}:{hashlib.sha256(listed.encode()).hexdigest()[:8]}"


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("out")
    args.add_argument("--vocab", type=int, default=420)
    args.add_argument("--random", type=int, default=0)
    args.add_argument("--seed", type=int, default=11)
    args.add_argument("others", nargs="*")
    args = args.parse_args()
    rng = random.Random(args.seed)
    corpus = FIXED + by_script(rng)
    corpus += random_texts(rng, args.random, corpus)
    golden = {}
    for name, t in styles(corpus, args.vocab):
        path = f"{args.out}/{name}.json"
        t.save(path, pretty=False)
        golden[name] = [digest(Tokenizer.from_file(path), text) for text in corpus]
    for other in args.others:
        name, path = other.split("=", 1)
        t = load(path)
        golden[name] = [digest(t, text) for text in corpus]
    versions = {"tokenizers": tokenizers.__version__, "unicode": unicodedata.unidata_version}
    with open(f"{args.out}/corpus.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(text) for text in corpus) + "\n]\n")
    with open(f"{args.out}/ids.json", "w") as f:
        ids = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in golden.items())
        f.write(f'{{"versions": {json.dumps(versions)},\n"ids": {{\n{ids}\n}}}}\n')
    print(len(corpus), "texts", file=sys.stderr)


if __name__ == "__main__":
    main()
