"""Trains a small SentencePiece model of pairs and writes golden.json: its tokens with
scores and types, as a GGUF file has them, the merges that transformers makes of it, and
the ids that sentencepiece and the tokenizers library give to texts.
Run with: pip install sentencepiece==0.2.3 transformers==5.24.0 tokenizers==0.23.3 protobuf==7.36.2; python make.py"""
import glob, json, random, tempfile, types
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, models
from transformers.convert_slow_tokenizer import LlamaConverter, SentencePieceExtractor

WORDS = ["the", " the", "don't", "'", '"', "123", " 1", "\n", "\n\n", "\t", "  ", "   ", " ", "        ", "\u00a0", "\u3000", "▁", "▁▁", "é", "e\u0301",
         "中文", "한국어", "αβγ", "日本語", "x²", "√", "😀", "👨‍👩‍👧", "\x00", "\ufffd", "...", "----", "-", "aaaaaaa", "abababab", "<s>x", "<0x0A>", "model", "token"]
USER = ["<|reflect|>", "<|wait|>"]


def main(rng):
    corpus = [line for path in sorted(glob.glob("../../../**/*.md", recursive=True)) for line in open(path) if "testdata" not in path]
    corpus += ["import x\n        return x\n", "中文 是 中文 的", "----", "--------", "aa aaa aaaa", "        x", "αβγ αβ"] * 20
    path = tempfile.mkdtemp() + "/m"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_prefix=path, model_type="bpe", vocab_size=1200, byte_fallback=True, character_coverage=0.999,
        normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, split_digits=True,
        user_defined_symbols=USER, minloglevel=2)
    sp = sentencepiece.SentencePieceProcessor(model_file=path + ".model")
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(open(path + ".model", "rb").read())
    made = SentencePieceExtractor(path + ".model").extract(models.BPE)
    stub = types.SimpleNamespace(vocab_file=path + ".model", legacy=True, add_prefix_space=True)
    converter = LlamaConverter(stub)
    hf = Tokenizer(models.BPE(made["vocab"], made["merges"], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    hf.normalizer, hf.decoder = converter.normalizer(proto), converter.decoder("▁", True)
    hf.add_tokens([AddedToken("<unk>", normalized=False, special=True)] + made["additional_special_tokens"])

    lines = [line.rstrip("\n") for line in corpus]

    def part():
        x = rng.random()
        if x < 0.3:
            return rng.choice(lines)[:rng.randrange(60)]
        if x < 0.6:
            return rng.choice(proto.pieces).piece.replace("▁", " ") if rng.random() < 0.9 else rng.choice(USER)
        if x < 0.9:
            return rng.choice(WORDS)
        return chr(rng.choice([rng.randrange(32, 0x250), rng.randrange(0x4e00, 0x9fa5), rng.randrange(0x1f300, 0x1f700)]))

    cases = []
    while len(cases) < 400:
        text = "".join(part() for _ in range(rng.randrange(1, 7)))
        case = {"text": text, "ids": hf.encode(text, add_special_tokens=False).ids}
        case["decoded"] = hf.decode(case["ids"], skip_special_tokens=False)
        # sentencepiece knows no added tokens in a text but the user's, and puts no space behind those.
        if not any(u in text for u in USER + ["<s>", "</s>", "<unk>", "<0x", "\x00"]):
            case["sentencepiece"] = sp.encode(text)
        cases.append(case)
    out = {"tokens": [p.piece for p in proto.pieces], "scores": [p.score for p in proto.pieces], "types": [p.type for p in proto.pieces],
           "merges": made["merges"], "cases": cases}
    with open("golden.json", "w") as f:
        json.dump(out, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    print(len(cases), sum("sentencepiece" in c for c in cases), [c["text"] for c in cases if c.get("sentencepiece", c["ids"]) != c["ids"]])
    print([(p.piece, p.score, p.type) for p in proto.pieces][:8], [(p.piece, p.score, p.type) for p in proto.pieces][258:275], max(len(p.piece) for p in proto.pieces))


main(random.Random(7))
