"""What llama-lora was made with: a PEFT adapter over llama-tiny, and what PEFT computes.

    python lora.py llama-tiny llama-lora

Needs torch 2.15.0, transformers 5.24.0 and peft 0.21.2 (from PyPI, on the CPU), and golden.py beside it.
"""

import json
import os
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from golden import log_probs, numbers, versions


def main(base, out):
    import peft
    open_base = lambda: AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()
    config = LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
                        task_type="CAUSAL_LM", lora_dropout=0.0)
    torch.manual_seed(5)
    model = get_peft_model(open_base(), config)
    fresh = {k: p.detach().clone() for k, p in model.named_parameters() if "lora_" in k}
    for key, p in model.named_parameters():
        if "lora_B" in key:  # zero in a fresh adapter
            p.data.normal_(0, 0.1)
    model.save_pretrained(out)
    os.remove(os.path.join(out, "README.md"))
    model = PeftModel.from_pretrained(open_base(), out, is_trainable=True).eval()
    prompts = [c["prompt"] for c in json.load(open(os.path.join(base, "golden.json")))["cases"]]
    ids = torch.tensor([prompts[1]])
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    grads = {k.replace(".default", ""): {"norm": float(f"{p.grad.norm().item():.7g}"), "first": [float(f"{x:.7g}") for x in p.grad.flatten()[:4].tolist()]}
             for k, p in model.named_parameters() if p.grad is not None}
    # AdamW, three steps on the same prompt: only the adapter learns.
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        step = model(input_ids=ids, labels=ids).loss
        losses.append(step.item())
        step.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        optimizer.step()
    losses.append(model(input_ids=ids, labels=ids).loss.item())
    model = PeftModel.from_pretrained(open_base(), out).eval()
    golden = {
        "versions": {**versions(), "peft": peft.__version__},
        "cases": [{"prompt": p, "logprobs": numbers(log_probs(model, p)[1])} for p in prompts],
        "loss": {"prompt": 1, "value": round(loss.item(), 6), "grads": grads}, "losses": numbers(losses),
        "fresh": {  # of PEFT's own initialisation: the largest entry and the deviation of each A, of which there are so many
            k.replace(".default", ""): [float(f"{p.abs().max().item():.6g}"), float(f"{p.std().item():.6g}"), list(p.shape)] for k, p in fresh.items()},
    }
    merged = model.merge_and_unload()
    golden["merged"] = [numbers(log_probs(merged, p)[1]) for p in prompts]
    with open(os.path.join(out, "golden.json"), "w") as f:
        json.dump(golden, f)


main(*sys.argv[1:])
