package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/model/tokenizer"
)

// sampleOne gives the first completion of each request.
func (m *LM) sampleOne(requests []Request) ([]Completion, error) {
	all, err := m.SampleAll(context.Background(), requests)
	var first []Completion
	for _, c := range all {
		first = append(first, c[0])
	}
	return first, err
}

type llamaGolden struct {
	Cases []struct {
		Prompt   []int32
		Logits   [][]float64
		LogProbs []float64
		Greedy   []int32
	}
	Loss struct {
		Prompt int
		Value  float64
		Grads  map[string]struct {
			Norm  float64
			First []float64
		}
	}
}

// Logits, log-probabilities, greedy continuations, loss and gradients are those of
// transformers (README.md beside each).
func TestDecoderGolden(t *testing.T) {
	for _, name := range []string{"llama-tied", "llama-tiny", "llama3-rope", "qwen2-tiny", "qwen3-tiny", "mistral-tiny"} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, b Backend) { testDecoder(t, b, filepath.Join("testdata", name)) })
		})
	}
}

// More decoders of the same make: the folders below that of SATORI_DECODERS.
func TestDecoderMore(t *testing.T) {
	root := os.Getenv("SATORI_DECODERS")
	if root == "" {
		t.Skip("SATORI_DECODERS names no folder")
	}
	list, err := filepath.Glob(filepath.Join(root, "*", "golden.json"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no goldens below %s: %v", root, err)
	}
	for _, path := range list {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, b Backend) { testDecoder(t, b, dir) })
		})
	}
}

func testDecoder(t *testing.T, b Backend, dir string) {
	net, err := OpenNet(b, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	var golden llamaGolden
	modeltest.ReadJSON(t, filepath.Join(dir, "golden.json"), &golden)
	ctx := context.Background()

	logits := device.New(b, "logits", func(in []*Node) []*Node {
		w, in := net.Config.Bind(in)
		return []*Node{net.Config.Logits(w, net.Config.Hidden(w, in[0]))}
	})
	var prompts [][]int32
	worst, worstLog := 0.0, 0.0
	for i, c := range golden.Cases {
		out, err := logits.Call(net.Weights(), []*Tensor{backend.Ints(c.Prompt, 1, len(c.Prompt))})
		if err != nil {
			t.Fatal(err)
		}
		got := device.Take[float32](out[0])
		for p, row := range c.Logits {
			for v, want := range row {
				d := math.Abs(float64(got[p*net.Config.VocabSize+v]) - want)
				if worst = max(worst, d); d > 1e-4 {
					t.Fatalf("case %d: logit [%d, %d] is off by %g", i, p, v, d)
				}
			}
		}
		prompts = append(prompts, c.Prompt)
	}
	logp, err := net.TokenLogProbs(ctx, prompts, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range golden.Cases {
		if logp[i][0] != 0 || len(logp[i]) != len(c.Prompt) {
			t.Fatalf("case %d: %d entries, first %g", i, len(logp[i]), logp[i][0])
		}
		for k, want := range c.LogProbs {
			d := math.Abs(float64(logp[i][k+1]) - want)
			if worstLog = max(worstLog, d); d > 1e-4 {
				t.Errorf("case %d: log-probability of token %d is off by %g", i, k+1, d)
			}
		}
	}
	t.Logf("largest difference: logits %.1e, log-probabilities %.1e", worst, worstLog)

	// Greedy, through prefill and cache, with an EOS that the golden does not stop at.
	lm := &LM{Net: net}
	lm.Config.EOS, lm.Config.Stops = int32(net.Config.VocabSize), nil // never sampled
	var requests []Request
	for _, c := range golden.Cases {
		requests = append(requests, Request{Prompt: c.Prompt, MaxTokens: len(c.Greedy)})
	}
	done, err := lm.sampleOne(requests)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range golden.Cases {
		if !slices.Equal(done[i].Tokens, c.Greedy) || !done[i].Truncated {
			t.Errorf("case %d: greedy %v, want %v", i, done[i].Tokens, c.Greedy)
		}
	}

	// Loss and gradients.
	row := golden.Cases[golden.Loss.Prompt].Prompt
	n := len(row)
	config, specs := net.Config, net.Specs()
	gradient := device.New(b, "loss", func(in []*Node) []*Node {
		w, in := config.Bind(in)
		loss := DivScalar(Neg(ReduceAllSum(decoder.LogProbs(config.Logits(w, config.Hidden(w, in[0])), in[0], 1))), float64(n-1))
		var nodes []*Node
		for _, s := range specs {
			nodes = append(nodes, w[s.Name])
		}
		return append([]*Node{loss}, Gradient(loss, nodes...)...)
	})
	out, err := gradient.Call(net.Weights(), []*Tensor{backend.Ints(row, 1, n)})
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(device.Take[float32](out[0])[0]); math.Abs(got-golden.Loss.Value) > 1e-4 {
		t.Errorf("loss %g, want %g", got, golden.Loss.Value)
	}
	for i, s := range specs {
		want := golden.Loss.Grads[s.Name]
		got := device.Take[float32](out[1+i])
		var squares float64
		for _, x := range got {
			squares += float64(x) * float64(x)
		}
		if norm := math.Sqrt(squares); math.Abs(norm-want.Norm) > 1e-4*want.Norm {
			t.Errorf("%s: gradient norm %g, want %g", s.Name, norm, want.Norm)
		}
		for k, x := range want.First {
			if math.Abs(float64(got[k])-x) > 1e-4*want.Norm {
				t.Errorf("%s: gradient [%d] is %g, want %g", s.Name, k, got[k], x)
			}
		}
	}
}

// small is the example's kind of decoder: grouped heads, half rotary, time shift.
var small = Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

func smallLM(t testing.TB, b Backend) *LM {
	net, err := NewNet(b, small, 7)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for i := range small.VocabSize - 2 {
		words = append(words, fmt.Sprint(i))
	}
	tok, err := tokenizer.NewWordLevel(append([]string{"<pad>", "<eos>"}, words...), nil)
	if err != nil {
		t.Fatal(err)
	}
	lm, err := NewLM(net, tok)
	if err != nil {
		t.Fatal(err)
	}
	return lm
}

func randomRequests(n int, temperature float64) []Request {
	rng := rand.New(rand.NewPCG(1, 2))
	var list []Request
	for i := range n {
		r := Request{MaxTokens: 1 + rng.IntN(40), Temperature: temperature, Seed: uint64(i)}
		for range 1 + rng.IntN(50) {
			r.Prompt = append(r.Prompt, int32(2+rng.IntN(small.VocabSize-2)))
		}
		list = append(list, r)
	}
	return list
}

// The engine's log-probabilities are those of the training graph: prefill, cache, time
// shift, positions and slot reuse all agree with one pass over the whole row.
func TestEngineAgreesWithForward(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b Backend) {
		lm := smallLM(t, b)
		for _, temperature := range []float64{1, 0.6} {
			requests := randomRequests(300, temperature) // more than there are slots
			done, err := lm.sampleOne(requests)
			if err != nil {
				t.Fatal(err)
			}
			worst, ended := lm.engineIsOff(t, requests, done, temperature), 0
			for i, c := range done {
				last := c.Tokens[len(c.Tokens)-1]
				if slices.Contains(c.Tokens[:len(c.Tokens)-1], small.EOS) {
					t.Errorf("request %d went on after EOS: %v", i, c.Tokens)
				}
				if c.Truncated != (last != small.EOS) || c.Truncated && len(c.Tokens) != requests[i].MaxTokens {
					t.Errorf("request %d: truncated %v with %d of %d tokens, last %d", i, c.Truncated, len(c.Tokens), requests[i].MaxTokens, last)
				}
				if last == small.EOS {
					ended++
				}
			}
			if !(worst <= 1e-5) || ended < 30 || ended > 290 {
				t.Errorf("temperature %g: log-probabilities differ by %g, %d of 300 ended", temperature, worst, ended)
			}
		}
	})
}

// So do they in every family, with as many heads of keys as of queries and with one, with
// biases, norms of heads and adapters of any values.
func TestEngineAgreesInEveryFamily(t *testing.T) {
	plain := small
	plain.KVHeads, plain.TokenShift, plain.PartialRotary = 4, false, 1
	qwen2, qwen3, biased := plain, plain, plain
	qwen2.ModelType, qwen3.ModelType, qwen3.HeadDim = "qwen2", "qwen3", 16
	biased.AttentionBias, biased.MLPBias, biased.KVHeads = true, true, 1
	families := map[string]Config{"plain": plain, "qwen2": qwen2, "qwen3": qwen3, "biased": biased, "adapter": plain}
	modeltest.Each(t, func(t *testing.T, b Backend) {
		for name, config := range families {
			if device.IsXLA(b) && (name == "plain" || name == "qwen2") {
				continue // graphs take long to compile there, and the others have all that these have
			}
			t.Run(name, func(t *testing.T) {
				net, err := NewNet(b, config, 3)
				if err == nil && name == "adapter" {
					net, err = net.WithLoRA(LoRA{Rank: 4, Alpha: 8})
				}
				if err != nil {
					t.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(3, 4))
				for i, s := range net.Specs() { // what begins as zeros or ones
					if data := device.Values(net.Weights()[i]); len(s.Dims) == 1 || strings.HasSuffix(s.Name, decoder.AdapterB) {
						for k := range data {
							data[k] += float32(0.2 * rng.NormFloat64())
						}
						setWeight(net, i, data)
					}
				}
				lm := &LM{Net: net}
				requests := randomRequests(40, 1)
				done, err := lm.sampleOne(requests)
				if err != nil {
					t.Fatal(err)
				}
				if worst := lm.engineIsOff(t, requests, done, 1); !(worst <= 1e-5) {
					t.Errorf("log-probabilities differ by %g", worst)
				}
			})
		}
	})
}

// engineIsOff is the largest difference of a sampled token's log-probability from that of
// one pass over the whole row.
func (m *LM) engineIsOff(t *testing.T, requests []Request, done []Completion, temperature float64) (worst float64) {
	t.Helper()
	var rows [][]int32
	for i, c := range done {
		rows = append(rows, slices.Concat(requests[i].Prompt, c.Tokens))
	}
	logp, err := m.TokenLogProbs(context.Background(), rows, temperature)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range done {
		for k, got := range c.LogProbs {
			worst = max(worst, math.Abs(float64(got-logp[i][len(requests[i].Prompt)+k])))
		}
	}
	return worst
}

// A request gives the same tokens alone, in a crowd, and on every backend; the same
// call gives the same bytes.
func TestSampleIsDeterministic(t *testing.T) {
	requests := randomRequests(150, 1)
	var first []Completion
	modeltest.Each(t, func(t *testing.T, b Backend) {
		lm := smallLM(t, b)
		all, err := lm.sampleOne(requests)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := lm.sampleOne(requests)
		for i := range all {
			if !slices.Equal(all[i].Tokens, again[i].Tokens) || !slices.Equal(all[i].LogProbs, again[i].LogProbs) {
				t.Fatalf("request %d: second call differs", i)
			}
		}
		for _, i := range []int{0, 77, 149} {
			alone, err := lm.Sample(context.Background(), requests[i])
			if err != nil || !slices.Equal(alone[0].Tokens, all[i].Tokens) {
				t.Errorf("request %d: alone %v, in a crowd %v (%v)", i, alone, all[i].Tokens, err)
			}
		}
		if first == nil {
			first = all
		}
		for i := range all {
			if !slices.Equal(all[i].Tokens, first[i].Tokens) {
				t.Errorf("request %d differs between backends: %v and %v", i, all[i].Tokens, first[i].Tokens)
			}
		}
	})
}

// Sampling follows the model's own distribution: the first token of many requests.
func TestSampleFrequencies(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	const n = 4000
	var requests []Request
	for i := range n {
		requests = append(requests, Request{Prompt: []int32{5, 9}, MaxTokens: 1, Temperature: 1, Seed: sampler.FoldIn(3, uint64(i))})
	}
	done, err := lm.sampleOne(requests)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]float64, small.VocabSize)
	for _, c := range done {
		counts[c.Tokens[0]]++
	}
	var chi, cells float64
	for v := range small.VocabSize {
		logp, err := lm.TokenLogProbs(context.Background(), [][]int32{{5, 9, int32(v)}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := n * math.Exp(float64(logp[0][2]))
		if want >= 5 {
			chi += (counts[v] - want) * (counts[v] - want) / want
			cells++
		} else if counts[v] > want+20 {
			t.Errorf("token %d: drawn %g times, expected %g", v, counts[v], want)
		}
	}
	if chi > cells+5*math.Sqrt(2*cells) { // far beyond the 99.9th percentile
		t.Errorf("χ² = %g over %g cells", chi, cells)
	}
}

func TestSampleCancelled(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := lm.SampleAll(ctx, randomRequests(4, 1)); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("error %v", err)
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{MaxTokens: 1}, "the prompt is empty"},
		{Request{Prompt: []int32{1}}, "MaxTokens is 0"},
		{Request{Prompt: []int32{1}, MaxTokens: 128}, "do not fit into max_position_embeddings 128"},
		{Request{Prompt: []int32{1}, MaxTokens: 1, Temperature: -1}, "Temperature is -1"},
	} {
		if _, err := lm.Sample(context.Background(), c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestSaveOpen(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	lm := smallLM(t, b)
	dir := filepath.Join(t.TempDir(), "a", "model")
	for range 2 { // the second time over the first
		if err := lm.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(b, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range lm.Specs() {
		x, _ := lm.Tensor(s.Name)
		y, ok := again.Tensor(s.Name)
		if !ok || !slices.Equal(x, y) {
			t.Errorf("%s differs after Save and Open", s.Name)
		}
	}
	if want, _ := lm.Config.Resolve(); !reflect.DeepEqual(again.Config, want) {
		t.Errorf("config %+v, want %+v", again.Config, want)
	}
	critic := lm.WithScore(1)
	scoreDir := filepath.Join(t.TempDir(), "score")
	if err := hf.SaveNet(critic, scoreDir); err != nil {
		t.Fatal(err)
	}
	if c, err := OpenNet(b, scoreDir); err != nil || !c.Config.Score {
		t.Errorf("reward model: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("temporary files stay: %v", left)
	}

	edit := func(file string, change func(string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, file)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(change(string(data))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, want string
		harm       func(t *testing.T, dir string)
	}{
		{"no weights", "has no weights", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "model.safetensors")) }},
		{"no config", "config.json", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "config.json")) }},
		{"tokenizer", "tokenizer.json", edit("tokenizer.json", func(string) string { return "{" })},
		{"cut", "bytes", edit("model.safetensors", func(s string) string { return s[:len(s)-4] })},
		{"empty", "ends within its first 8 bytes", edit("model.safetensors", func(string) string { return "" })},
		{"huge header", "is no whole safetensors file", edit("model.safetensors", func(string) string { return "\xff\xff\xff\xff\xff\xff\xff\x7f{}" })},
		{"renamed tensor", `tensor "model.norm.weighs" is not one of this model's`, edit("model.safetensors", func(s string) string { return strings.Replace(s, "model.norm.weight", "model.norm.weighs", 1) })},
		{"shape", `tensor "model.embed_tokens.weight" has shape [23 32], want [25 32]`, edit("config.json", func(s string) string { return strings.Replace(s, `"vocab_size": 23`, `"vocab_size": 25`, 1) })},
		{"activation", `field "hidden_act" is gelu`, edit("config.json", func(s string) string { return strings.Replace(s, "silu", "gelu", 1) })},
		{"architecture", `model_type "mamba" is not supported`, edit("config.json", func(s string) string { return strings.Replace(s, `"satori"`, `"mamba"`, 1) })},
		{"rope", `field "rope_parameters.rope_type" is yarn`, edit("config.json", func(s string) string { return strings.Replace(s, `"default"`, `"yarn"`, 1) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "m")
			if err := lm.Save(dir); err != nil {
				t.Fatal(err)
			}
			c.harm(t, dir)
			if _, err := Open(b, dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// A model takes the place of a saved one, and of nothing else.
func TestSaveKeepsOthers(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	headed, err := lm.WithScalar("value", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "m")
	for _, m := range []*LM{headed, lm, lm} { // the folder of heads goes
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	notes := filepath.Join(dir, "README.md")
	if err := os.WriteFile(notes, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := lm.Save(dir); err == nil || !strings.Contains(err.Error(), "the directory holds README.md, which would be lost") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(notes); err != nil {
		t.Error(err)
	}
	if _, err := Open(lm.Backend(), dir); err != nil {
		t.Error(err)
	}
}

// setWeight replaces the i-th weight of a network.
func setWeight(n *Net, i int, data []float32) {
	t := backend.Floats(data, n.Specs()[i].Dims...)
	t.MustMaterializeOnDevice(n.Backend(), true, 0)
	n.Weights()[i] = t
}
