"""Trims the tokenizer.json of published models to their first merges, and writes the
variants of them that the tests read; see README.md. Run with: python trim.py DIR, which
has mistral/tokenizer.json, smollm2/tokenizer.json and qwen2.5/tokenizer.json."""
import json, os, sys

CHARS = " \t\n!\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`{|}~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ▁éàüñç中文的一是日本語한국어αβγπ×²€’“”…—"


def trim(name, merges, chars=None):
    """Keeps the first merges, what they make, the tokens that no merge makes (or those
    of chars alone) and the added tokens; ids keep their order and lose the gaps."""
    with open(f"{sys.argv[1]}/{name}/tokenizer.json") as f:
        top = json.load(f)
    model = top["model"]
    pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
    made = {a + b for a, b in pairs}
    added = {a["content"] for a in top["added_tokens"]}
    keep = {t for t in model["vocab"] if t not in made and (chars is None or len(t) > 1 or t in chars)} | added
    kept = []
    for a, b in pairs:
        if len(kept) < merges and a in keep and b in keep:
            kept.append([a, b])
            keep.add(a + b)
    old = sorted((t for t in model["vocab"] if t in keep), key=model["vocab"].get)
    model["vocab"] = {t: i for i, t in enumerate(old)}
    model["merges"] = [[a, b] for a, b in kept]
    beyond = len(old)
    for a in top["added_tokens"]:
        if a["content"] in model["vocab"]:
            a["id"] = model["vocab"][a["content"]]
        else:
            a["id"], beyond = beyond, beyond + 1
    return top


def write(name, top):
    for k, v in (top["post_processor"] or {}).get("special_tokens", {}).items():
        v["ids"] = [top["model"]["vocab"][t] for t in v["tokens"]]
    os.makedirs(name, exist_ok=True)
    with open(f"{name}/tokenizer.json", "w") as f:
        json.dump(top, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def token(top, content, **flags):
    vocab = top["model"]["vocab"]
    beyond = [a["id"] + 1 for a in top["added_tokens"] if a["id"] >= len(vocab)]
    top["added_tokens"].append({"id": vocab.get(content, max(beyond, default=len(vocab))), "content": content,
        "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False, **flags})


write("mistral", trim("mistral", 700, CHARS))
write("smollm2", trim("smollm2", 500))
write("qwen2.5", trim("qwen2.5", 500))

gemma = trim("mistral", 500, CHARS)
gemma["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
gemma["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
del gemma["decoder"]["decoders"][3]
for i in (2, 3, 5):
    token(gemma, "\n" * i)
    token(gemma, "▁" * i)
write("gemma", gemma)

metaspace = trim("mistral", 500, CHARS)
metaspace["normalizer"] = None
metaspace["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
metaspace["model"]["byte_fallback"] = False
token(metaspace, "<|im_start|>", special=True)
write("metaspace", metaspace)

stripped = trim("mistral", 500, CHARS)
for a in stripped["added_tokens"]:
    a["normalized"] = True  # as in files converted before 2024
stripped["model"]["fuse_unk"] = False
del stripped["model"]["vocab"]["<0xF0>"]  # emoji become unknown tokens
stripped["model"]["vocab"] = {t: i for i, t in enumerate(stripped["model"]["vocab"])}
token(stripped, "<left>", lstrip=True)
token(stripped, "<right>", rstrip=True, special=True)
token(stripped, "<both>", lstrip=True, rstrip=True, normalized=True)
token(stripped, "word", single_word=True)
token(stripped, "a b", normalized=True)
token(stripped, " ", single_word=True)
stripped["decoder"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
write("stripped", stripped)

pieces = trim("mistral", 500, CHARS)
pieces["normalizer"] = {"type": "NFC"}
pieces["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False},
    {"type": "Split", "pattern": {"String": ","}, "behavior": "MergedWithNext", "invert": False},
    {"type": "Split", "pattern": {"String": "--"}, "behavior": "Removed", "invert": False},
    {"type": "Digits", "individual_digits": False},
    {"type": "Metaspace", "replacement": "▁"}]}
pieces["model"].update(byte_fallback=False, fuse_unk=False)
pieces["decoder"] = {"type": "Sequence", "decoders": [{"type": "Strip", "content": "▁", "start": 2, "stop": 0},
    {"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}]}
write("pieces", pieces)

prefixed = trim("smollm2", 300)
prefixed["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}]}
prefixed["model"].update(unk_token="<|endoftext|>", fuse_unk=True)
write("prefixed", prefixed)
