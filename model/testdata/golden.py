"""What the files beside this one were made with, and what checks a saved model.

    python golden.py decoders DIR           qwen3-tiny and mistral-tiny under DIR
    python golden.py more DIR               further variants under DIR, for SATORI_DECODERS
    python golden.py quants FILE            blocks of every GGUF type and their values
    python golden.py smollm2 GGUF FILE      log-probabilities of ten texts
    python golden.py check DIR FILE         the same of a directory that Save wrote

Needs torch 2.15.0, transformers 5.23.0 and gguf 0.19.0, accelerate (all from PyPI, on the CPU).
"""

import json
import sys

import torch

CASES = (5, 17, 48)


def numbers(x, digits=6):
    return [numbers(y, digits) for y in x] if isinstance(x, (list, tuple)) else round(x, digits)


def log_probs(model, ids):
    """The log-probability of ids[1:], each given those before it."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    logp = torch.log_softmax(logits.float(), -1)
    return logits, [logp[i, t].item() for i, t in enumerate(ids[1:])]


def decoder_golden(model, seed):
    rng = torch.Generator().manual_seed(seed)
    vocab = model.config.vocab_size
    cases = []
    for length in CASES:
        ids = [1] + torch.randint(3, vocab, (length - 1,), generator=rng).tolist()
        logits, logp = log_probs(model, ids)
        double = log_probs(model.double(), ids)[0]
        model.float()
        greedy, gap = list(ids), float("inf")
        for _ in range(16):
            best = log_probs(model, greedy)[0][-1].topk(2)
            gap = min(gap, (best.values[0] - best.values[1]).item())
            greedy.append(best.indices[0].item())
        cases.append({
            "prompt": ids, "logits": numbers(logits.tolist()), "logprobs": numbers(logp), "greedy": greedy[length:],
            "greedy_min_gap": round(gap, 5), "f64_max_diff": float(f"{(double - logits).abs().max().item():.2g}"),
        })
    model.zero_grad()
    ids = torch.tensor([cases[1]["prompt"]])
    loss = model(ids, labels=ids).loss
    loss.backward()
    grads = {name: {"norm": float(f"{p.grad.norm().item():.7g}"), "first": [float(f"{x:.7g}") for x in p.grad.flatten()[:4].tolist()]}
             for name, p in model.named_parameters()}
    return {"versions": versions(), "cases": cases, "loss": {"prompt": 1, "value": round(loss.item(), 6), "grads": grads}}


def versions():
    import transformers
    return {"torch": torch.__version__, "transformers": transformers.__version__}


def decoders(out):
    from transformers import MistralConfig, MistralForCausalLM, Qwen3Config, Qwen3ForCausalLM
    common = dict(vocab_size=97, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2, rms_norm_eps=1e-6,
                  bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager")
    for name, config, cls in [
        # heads of 24 channels: head_dim is no longer hidden_size / num_attention_heads
        ("qwen3-tiny", Qwen3Config(**common, head_dim=24, rope_parameters={"rope_type": "default", "rope_theta": 1e6}, tie_word_embeddings=True), Qwen3ForCausalLM),
        ("mistral-tiny", MistralConfig(**common, head_dim=16, sliding_window=256, rope_parameters={"rope_type": "default", "rope_theta": 1e4}), MistralForCausalLM),
    ]:
        torch.manual_seed(7)
        model = cls(config).eval()
        for key, p in model.named_parameters():  # norms that do something
            if "norm" in key:
                p.data.uniform_(0.5, 1.5)
        model.save_pretrained(f"{out}/{name}")
        with open(f"{out}/{name}/golden.json", "w") as f:
            json.dump(decoder_golden(model, 11), f)


def more(out):
    """Biases, heads, ties, types and spellings that the committed decoders lack."""
    import shutil
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
    classes = {"llama": (LlamaConfig, LlamaForCausalLM), "mistral": (MistralConfig, MistralForCausalLM),
               "qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}
    common = dict(vocab_size=97, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2, rms_norm_eps=1e-6,
                  bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager")
    llama3 = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    for name, dtype, change in [
        ("llama-bias", torch.float32, dict(attention_bias=True)),
        ("llama-mlpbias", torch.float32, dict(mlp_bias=True, attention_bias=True, tie_word_embeddings=True)),
        ("llama-mqa", torch.float32, dict(num_key_value_heads=1, head_dim=8, tie_word_embeddings=True)),
        ("llama-mha", torch.float32, dict(num_key_value_heads=4, rms_norm_eps=1e-5)),
        ("llama-llama3tied", torch.float32, dict(rope_parameters=llama3, tie_word_embeddings=True, eos_token_id=[2, 5, 7])),
        ("mistral-default", torch.float32, {}),
        ("mistral-tied", torch.float32, dict(sliding_window=None, head_dim=32, tie_word_embeddings=True)),
        ("qwen2-tied", torch.float32, dict(tie_word_embeddings=True, use_sliding_window=False, rope_parameters={"rope_type": "default", "rope_theta": 1e6})),
        ("qwen2-mha", torch.float32, dict(num_key_value_heads=4, num_hidden_layers=3, max_window_layers=2)),
        ("qwen3-untied", torch.float32, dict(head_dim=16)),
        ("qwen3-bias", torch.float32, dict(head_dim=128, attention_bias=True)),
        ("llama-bf16", torch.bfloat16, {}),
        ("qwen2-f16", torch.float16, {}),
    ]:
        config, cls = classes[name.split("-")[0]]
        torch.manual_seed(3)
        model = cls(config(**{**common, **change})).eval()
        for key, p in model.named_parameters():
            if "norm" in key:
                p.data.uniform_(0.5, 1.5)
            if "bias" in key:
                p.data.normal_(0, 0.3)
        model = model.to(dtype)
        model.save_pretrained(f"{out}/{name}", **({} if dtype == torch.float32 else {"max_shard_size": "50KB"}))
        if dtype != torch.float32:  # to(dtype) has rounded the rotary frequencies, too, which the files do not have
            model = cls.from_pretrained(f"{out}/{name}", dtype=torch.float32, attn_implementation="eager").eval()
        with open(f"{out}/{name}/golden.json", "w") as f:
            json.dump(decoder_golden(model, 5), f)
    for name in ["llama-llama3tied", "llama-mqa", "mistral-tied", "qwen2-tied"]:  # in the spelling of transformers 4
        old = f"{out}/{name}-v4"
        shutil.copytree(f"{out}/{name}", old, dirs_exist_ok=True)
        with open(f"{old}/config.json") as f:
            config = json.load(f)
        rope = config.pop("rope_parameters")
        config["rope_theta"], config["torch_dtype"] = rope.pop("rope_theta"), config.pop("dtype")
        kind = rope.pop("rope_type")
        config["rope_scaling"] = {**rope, "type": kind} if kind != "default" else None
        config.pop("layer_types", None)
        with open(f"{old}/config.json", "w") as f:
            json.dump(config, f)


def quants(path):
    import gguf
    import numpy as np
    from gguf.quants import dequantize, quantize
    rng = np.random.default_rng(5)
    out = {"source": f"gguf 0.19.0, gguf.quants", "decode": {}, "encode": {}}
    for name in ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K"]:
        t = gguf.GGMLQuantizationType[name]
        numbers_, size = gguf.GGML_QUANT_SIZES[t]
        n = 3 if numbers_ > 1 else 64
        raw = rng.integers(0, 256, n * size, dtype=np.uint8)
        blocks = raw.reshape(n, size)
        halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}.get(name, [])
        for at in halves:  # scales that are numbers, one of them subnormal
            blocks[:, at:at + 2] = np.array([0.0123, -0.5, 3e-6], np.float16).view(np.uint8).reshape(3, 2)
        if name in ("F32", "F16", "BF16"):
            x = rng.normal(size=n).astype(np.float32)
            x[:4] = [0, -0.0, 1e-6, 65504]
            raw = {"F32": x, "F16": x.astype(np.float16), "BF16": (x.view(np.uint32) >> 16).astype(np.uint16)}[name].view(np.uint8)
        values = {"F32": lambda: raw.view(np.float32), "F16": lambda: raw.view(np.float16).astype(np.float32),
                  "BF16": lambda: (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)}.get(name, lambda: dequantize(raw, t))()
        out["decode"][name] = {"raw": raw.tobytes().hex(), "values": [float(v) for v in values.flatten()]}
    x = rng.normal(size=96).astype(np.float32)
    x[:4], x[32:64] = [1e-7, -3e-8, 5.96e-8, 40000], 0
    out["encode"]["values"] = [float(v) for v in x]
    out["encode"]["F16"] = x.astype(np.float16).tobytes().hex()
    out["encode"]["Q8_0"] = quantize(x, gguf.GGMLQuantizationType.Q8_0).tobytes().hex()
    with open(path, "w") as f:
        json.dump(out, f)


TEXTS = [
    "The capital of France is Paris, and the capital of Italy is Rome.",
    "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n",
    "<|im_start|>user\nWhat is 17 + 25?<|im_end|>\n<|im_start|>assistant\n17 + 25 = 42.<|im_end|>\n",
    "It was a bright cold day in April, and the clocks were striking thirteen.",
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.",
    "Water boils at 100 degrees Celsius (212 degrees Fahrenheit) at sea level.",
    "import numpy as np\nx = np.arange(10).reshape(2, 5)\nprint(x.sum(axis=0))",
    "Le chat est assis sur le tapis, et il regarde par la fenêtre.",
    "Step 1: write the equation. Step 2: isolate x. Step 3: check the result by substitution.",
    "1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987",
]
GREEDY = [0, 2, 4]  # of these texts the first half, continued


def smollm2(gguf_file, path):
    import os
    from transformers import AutoModelForCausalLM, AutoTokenizer
    where, name = os.path.split(os.path.abspath(gguf_file))
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=name)
    out = {"versions": versions(), "source": name, "cases": []}
    for i, text in enumerate(TEXTS):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        case = {"text": text, "ids": ids, "logprobs": numbers(log_probs(model, ids)[1])}
        if i in GREEDY:
            prompt = ids[: len(ids) // 2]
            with torch.no_grad():
                done = model.generate(torch.tensor([prompt]), max_new_tokens=16, do_sample=False, pad_token_id=0)
            case["greedy"] = {"prompt": prompt, "tokens": done[0, len(prompt):].tolist()}
        out["cases"].append(case)
    with open(path, "w") as f:
        json.dump(out, f, ensure_ascii=False, indent=1)


def check(where, path):
    from transformers import AutoModelForCausalLM, AutoTokenizer
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(where)
    worst, wrong = 0.0, 0
    for case in json.load(open(path))["cases"]:
        ids = case.get("ids") or case["prompt"]
        if "text" in case:
            wrong += tokenizer(case["text"], add_special_tokens=False)["input_ids"] != ids
        got = log_probs(model, ids)[1]
        worst = max([worst] + [abs(a - b) for a, b in zip(got, case["logprobs"])])
    print(f"largest difference of a log-probability {worst:.2g}; texts with other ids {wrong}; {type(model).__name__}, {type(tokenizer).__name__}")
    if worst > 1e-3 or wrong:
        sys.exit(1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"decoders": decoders, "more": more, "quants": quants, "smollm2": smollm2, "check": check}[sys.argv[1]](*sys.argv[2:])
