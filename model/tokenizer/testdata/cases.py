"""Writes random.json beside each tokenizer.json named: what the tokenizers library makes
of random texts and ids, and split.json: the pieces its patterns make of random texts.
Run with: pip install tokenizers==0.23.3; python cases.py DIR..."""
import json, random, sys, unicodedata
from tokenizers import Regex, Tokenizer, pre_tokenizers

WORDS = ["the", " the", "don't", "DON'T", "It'S", "we'll", "WE'LL", "'ſ", "'S", "'re", "'VE", "'d", "'m", "'t", "'", '"', "''",
         "123", "12", "1", " 1", "4567", "٣", "½", "Ⅷ", "\n", "\n\n", "\r\n", " \n", "\t", "  ", "   ", " ", "\u00a0", "\u3000",
         "\u2028", "\x85", "\x1c", "\ufeff", "\u200d", "\x00", "\ufffd", "é", "e\u0301", "e\u0301te\u0301", "\u212b", "\u1112\u1161\u11ab", "한", "中文",
         "...", "!?", "(", ")", "{", "}", "_", "\\frac", "$", "=", "<|", "|>", "-", "--", "`", "😀", "👨‍👩‍👧", "aaaaa", "ㅋㅋㅋ"]
ASSIGNED = [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
MARKS = [c for c in ASSIGNED if unicodedata.combining(c)]


def main(directory, rng):
    tokenizer = Tokenizer.from_file(directory + "/tokenizer.json")
    with open(directory + "/tokenizer.json") as f:
        file = json.load(f)
    added = [a["content"] for a in file["added_tokens"]]
    vocab = list(file["model"]["vocab"])
    words = file["model"].get("type") == "WordLevel"

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
            return rng.choice(vocab).replace("Ġ", " ").replace("Ċ", "\n")
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
        encode.append({"text": text, **decoded(ids)})
    decode = [decoded([rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(12))]) for _ in range(30)]
    with open(directory + "/random.json", "w") as f:
        json.dump({"encode": encode, "decode": decode}, f, indent=0)


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
for i, d in enumerate(sys.argv[1:]):
    main(d, random.Random(i))
