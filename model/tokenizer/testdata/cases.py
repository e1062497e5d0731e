"""Writes random.json beside each tokenizer.json named: what the tokenizers library makes
of random texts and ids, split.json: the pieces its patterns make of random texts, and
classes.json: the characters of its character classes.
Run with: pip install tokenizers==0.23.3; python cases.py DIR..."""
import json, random, sys, unicodedata
from tokenizers import Regex, Tokenizer, pre_tokenizers

WORDS = ["the", " the", "don't", "DON'T", "It'S", "we'll", "WE'LL", "'ſ", "'S", "'re", "'VE", "'d", "'m", "'t", "'", '"', "''",
         "123", "12", "1", " 1", "4567", "٣", "½", "Ⅷ", "\n", "\n\n", "\r\n", " \n", "\t", "  ", "   ", " ", "\u00a0", "\u3000",
         "\u2028", "\x85", "\x1c", "\ufeff", "\u200d", "\x00", "\ufffd", "é", "e\u0301", "e\u0301te\u0301", "\u212b", "\u1112\u1161\u11ab", "한", "中文",
         "...", "!?", "(", ")", "{", "}", "_", "\\frac", "$", "=", "<|", "|>", "-", "--", "`", "😀", "👨‍👩‍👧", "aaaaa", "ㅋㅋㅋ"]
ASSIGNED = [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
MARKS = [c for c in ASSIGNED if unicodedata.combining(c)]

# The byte alphabet, as token strings.
BYTES = {ord(c): c for c in map(chr, range(256)) if c.isprintable() and c != " "}
BYTES.update({b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in BYTES)})


def main(directory, rng):
    tokenizer = Tokenizer.from_file(directory + "/tokenizer.json")
    with open(directory + "/tokenizer.json") as f:
        file = json.load(f)
    added = [a["content"] for a in file["added_tokens"]]
    vocab = list(file["model"]["vocab"])
    words = file["model"].get("type") == "WordLevel"
    lacks = "ByteLevel" in json.dumps(file["pre_tokenizer"]) and {b for b in range(256) if BYTES[b] not in file["model"]["vocab"]} or {}

    def decoded(ids):
        return {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True)}

    def part():
        x = rng.random()
        if words:
            if x < 0.7:
                return rng.choice(vocab) + rng.choice([" ", " ", "  ", "\n", "\u3000", ""])
            return rng.choice(added) if x < 0.99 else rng.choice(WORDS)
        if x < 0.5:
            return rng.choice(vocab).replace("Ġ", " ").replace("Ċ", "\n").replace("▁", " ")
        if x < 0.7:
            return rng.choice(WORDS)
        if x < 0.85:
            return rng.choice(added)
        if x < 0.95:
            return rng.choice(ASSIGNED)
        return "".join(rng.choice(MARKS) for _ in range(rng.choice([1, 2, 3, 3, 3, 31, 40])))

    encode = []
    for _ in range(150):
        text = "".join(part() for _ in range(rng.randrange(12)))
        try:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
        except Exception:  # a word outside the vocabulary
            encode.append({"text": text, "error": True})
            continue
        drops = {"drops": True} if any(b in lacks for b in text.encode()) else {}
        encode.append({"text": text, **drops, **decoded(ids)})
    decode = [decoded([rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(12))]) for _ in range(30)]
    with open(directory + "/random.json", "w") as f:
        json.dump({"encode": encode, "decode": decode}, f, indent=0)


def kinds():
    """Writes classes.json: the code points of each class, as ranges, first and last."""
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    members = {name: {c for i in range(0, len(points), 4096) for piece, _ in split.pre_tokenize_str("".join(points[i:i + 4096])) for c in piece}
               for name, split in (("letter", pre_tokenizers.Split(Regex(r"\p{L}"), "removed", invert=True)),
                                   ("number", pre_tokenizers.Split(Regex(r"\p{N}"), "removed", invert=True)),
                                   ("space", pre_tokenizers.Split(Regex(r"\s"), "removed", invert=True)))}
    digits, words = pre_tokenizers.Digits(True), pre_tokenizers.Whitespace()
    members["numeric"] = {c for c in points if len(digits.pre_tokenize_str("a" + c)) == 2}
    members["word"] = {c for c in points if words.pre_tokenize_str("a" + c)[0][0] == "a" + c}
    out = {}
    for name, chars in members.items():
        ranges = out[name] = []
        for c in sorted(map(ord, chars)):
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
    with open("classes.json", "w") as f:
        json.dump(out, f, separators=(",", ":"))


def splits(rng):
    out = []
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    lines = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    for pattern in [gpt2, lines % "", lines % "{1,3}"]:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        for _ in range(200):
            text = "".join(rng.choice(WORDS) if rng.random() < 0.8 else rng.choice(ASSIGNED) for _ in range(rng.randrange(1, 9)))
            out.append({"pattern": pattern, "pieces": [p for p, _ in split.pre_tokenize_str(text)]})
    with open("split.json", "w") as f:
        json.dump(out, f, indent=0)


splits(random.Random(99))
kinds()
for i, d in enumerate(sys.argv[1:]):
    main(d, random.Random(i))
