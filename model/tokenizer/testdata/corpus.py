"""Writes cases.json beside the tokenizer.json of each directory named: what the
tokenizers library makes of about 1,100 texts in the classes below, of 12,000 short ones
that are random, and of pieces of 2 KB of the files given after "--". TestRealFiles reads
it. Run with: pip install tokenizers==0.23.3; python corpus.py DIR... [-- FILE...]"""
import json, random, sys
from tokenizers import Tokenizer

PROSE = ["Hello world", "The quick brown fox jumps over the lazy dog.", "I don't think we'll need it; they've said it's fine, I'd say.",
         "DON'T YOU'RE WE'VE I'M HE'LL SHE'D IT'S", "Don'T yoU'rE 'tis 'twas o'clock rock'n'roll '90s", "e.g. i.e. etc... Mr. O'Neil-Smith & Co., Ltd.",
         "email@example.com https://example.org/a_b?c=d&e=f#g", "#hashtag @mention $100.00 50% 1/2 3×4 x^2 a_1 C++ C# .NET",
         "Let me check: 12 + 30 = 42.\n\nWait, that is wrong.\n", "\\text{(B)} \\frac{1}{2} \\times 10^{-3} \\boxed{42} $$\\sum_{i=0}^n i$$",
         "naïve café Ångström über straße", "Ünïcödé", "Привет, мир! Как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया क्षि",
         "สวัสดีชาวโลก", "你好，世界！这是一个测试。", "こんにちは世界。テストです", "안녕하세요 세계 ㅋㅋㅋㅋ", "𠜎𠜱𠝹", "🤔😀👨‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪", "☃❄★☆→←", "Ⅷ ½ ² ٣ ④ ⑳ 一二三"]
CODE = ["def f(x):\n    if x:\n        return x + 1\n    return None\n", "func main() {\n\tfmt.Println(\"hi\")\n\t\tfor i := range 10 {\n\t\t}\n}\n",
        "for (int i=0;i<10;++i){\r\n  a[i]+=b[i]*2;\r\n}\r\n", "SELECT * FROM t WHERE a='b' AND c<>0;", "<div class=\"a\">&nbsp;</div>", "x = 0.30000000000000004e-10",
        "#!/bin/sh\nset -e\n\n\n# comment\n  echo \"$HOME\"\n", "{\"a\": [1, 2, {\"b\": null}]}", "a\tb\t\tc\n\t\n", "// ----------------------------------------\n", "if(!x&&y||z){}"]
SPACES = [" ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x0c", "\u200b", "\u1680", "\ufeff", "\x1c", "▁"]
MARKS = ["e\u0301", "e\u0301te\u0301", "\u212b", "\u212a", "\u1112\u1161\u11ab", "a\u0323\u0302", "a\u0302\u0323", "\u0344", "\u0958", "\ufb01", "\u1e9b\u0323", "q\u0307\u0323",
         "\u0301", "\u0301\u0301\u0301", "ǆ", "Å", "한", "\u1100\u1161", "\u0f73", "\u2126"]
NASTY = ["'", "'s", "'S", "'ſ", "'ll", "''", "\"", "...", "!!", "?!\n", "(", ")", "<", "</s>", "<s>", "<unk>", "<0x0A>", "<0xE2>", "<|", "|>", "\x00", "\x01", "\x04", "\x7f",
         "\ufffd", "\U0010ffff", "\ue000", "\u200d", "\ufe0f", "\u0e33", "ß", "İ", "ı", "ﷺ", "\U0001d400", "\U0001f600", "\u2ebf", "\U0002ebf0", "\U000105c0", "\U00010d40", "\U00011de0", "\U00016ff4"]


def classes(added, rng):
    yield from [""] + PROSE + CODE + SPACES + MARKS + NASTY + added[:40]
    for s in SPACES[:7] + ["▁"]:  # runs, alone, before and after text
        for n in list(range(2, 41)) if s == " " else [2, 3, 4, 5, 8, 13]:
            yield s * n
            yield "a" + s * n + "b"
            yield s * n + "a" if n % 2 else "a" + s * n
    for c in "a1=-.#*_\"')!~中ㅋé😀":
        for n in (2, 3, 4, 5, 7, 12, 16, 31, 64):
            yield c * n
    for a in ["\n", "\n\n", " \n", "\n ", "\n\n ", " \n\n", "\t\n", "\r\n\r\n", "\n\n\n", "\n \n"]:
        for b in ["", "a", "1", ".", "'s", "    x", "中"]:
            yield "x" + a + b
    for n in range(1, 21):
        yield "1234567890123456789012"[:n]
        yield "n = " + "9" * n + " ok"
    for p in PROSE:
        for s in ("  ", "\n", "\u00a0", "\t"):
            yield p.replace(" ", s)
        yield p.upper()
    for c in CODE:
        yield "\n".join("        " + line for line in c.split("\n"))
    for _ in range(150):  # added tokens side by side, out of order, cut short, in text
        parts = [rng.choice(added) if added and rng.random() < 0.6 else rng.choice(["", " ", "x", "\n", "<|", "a b", added[-1][:-1] if added else "<"]) for _ in range(rng.randrange(1, 7))]
        yield "".join(parts)
    for _ in range(100):
        yield "".join(rng.choice(MARKS + ["x", " "]) for _ in range(rng.randrange(2, 9)))


def fuzz(added, rng):
    pools = [SPACES, MARKS, NASTY, [w for p in PROSE for w in p.split()], [c for c in "".join(PROSE + CODE)]]
    for _ in range(12000):
        out = []
        for _ in range(rng.randrange(1, 12)):
            x = rng.random()
            if x < 0.1 and added:
                out.append(rng.choice(added))
            elif x < 0.16:
                c = rng.randrange(0x30000)
                out.append(chr(c if not 0xD800 <= c < 0xE000 else 0xFFFD))
            elif x < 0.2:
                out.append(rng.choice(SPACES + ["a", "1", "-"]) * rng.randrange(2, 9))
            else:
                out.append(rng.choice(rng.choice(pools)))
        yield "".join(out)


def main(directory, texts):
    tokenizer = Tokenizer.from_file(directory + "/tokenizer.json")
    with open(directory + "/tokenizer.json") as f:
        added = [a["content"] for a in json.load(f)["added_tokens"]]
    rng = random.Random(1)

    def decoded(ids):
        return {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True)}

    encode = [{"text": t, **decoded(tokenizer.encode(t, add_special_tokens=False).ids)}
              for t in [*classes(added, rng), *fuzz(added, rng), *texts]]
    size = tokenizer.get_vocab_size()
    decode = [decoded([i]) for i in range(size)]
    decode += [decoded([rng.randrange(size) for _ in range(rng.randrange(20))]) for _ in range(3000)]
    with open(directory + "/cases.json", "w") as f:
        json.dump({"encode": encode, "decode": decode}, f)
    print(directory, len(encode), "texts,", len(decode), "id sequences")


args = sys.argv[1:] + ["--"]
cut = args.index("--")
texts = []
for path in args[cut + 1:-1]:
    with open(path, encoding="utf-8", errors="replace", newline="") as f:
        all = f.read()
    texts += [all[i:i + 2000] for i in range(0, len(all), 2000)]
for d in args[:cut]:
    main(d, texts)
