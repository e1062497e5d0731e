package model

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
)

type peftGolden struct {
	Cases []struct {
		Prompt   []int32
		LogProbs []float64
	}
	Loss struct {
		Prompt int
		Value  float64
		Grads  map[string]struct {
			Norm  float64
			First []float64
		}
	}
	Losses []float64
	Merged [][]float64
	Fresh  map[string][]any
}

// openLora opens llama-tiny under the adapter that PEFT wrote.
func openLora(t testing.TB, b Backend) (base, lora *Net, golden peftGolden) {
	base, err := OpenNet(b, filepath.Join("testdata", "llama-tiny"))
	require.NoError(t, err)
	lora, err = hf.OpenAdapter(base, filepath.Join("testdata", "llama-lora"))
	require.NoError(t, err)
	modeltest.ReadJSON(t, filepath.Join("testdata", "llama-lora", "golden.json"), &golden)
	return base, lora, golden
}

func checkLogProbs(t *testing.T, what string, n *Net, prompts [][]int32, want [][]float64) {
	t.Helper()
	got, err := logProbs(context.Background(), n, prompts)
	require.NoError(t, err)
	for i := range want {
		for k := range want[i] {
			if d := math.Abs(float64(got[i][k]) - want[i][k]); d > 1e-4 {
				t.Fatalf("%s: log-probability [%d, %d] is off by %g", what, i, k, d)
			}
		}
	}
}

// Log-probabilities, gradients, merged weights and three steps of training are PEFT's
// (testdata/llama-lora/README.md).
func TestLoRAGolden(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b Backend) {
		base, lora, golden := openLora(t, b)
		var prompts [][]int32
		var want [][]float64
		for _, c := range golden.Cases {
			prompts, want = append(prompts, c.Prompt), append(want, c.LogProbs)
		}
		checkLogProbs(t, "adapter", lora, prompts, want)
		merged, err := lora.Merge()
		require.NoError(t, err)
		checkLogProbs(t, "merged", merged, prompts, golden.Merged)
		dir := t.TempDir()
		require.NoError(t, hf.SaveAdapter(lora, dir+"/adapter", "llama-tiny"))
		again, err := hf.OpenAdapter(base, dir+"/adapter")
		require.NoError(t, err)
		checkLogProbs(t, "saved", again, prompts, want)
		require.NoError(t, hf.SaveNet(lora, dir+"/whole"))
		whole, err := OpenNet(b, dir+"/whole")
		require.NoError(t, err)
		checkLogProbs(t, "saved whole", whole, prompts, golden.Merged)

		row := prompts[golden.Loss.Prompt]
		l := NewLearner(lora, nextToken, AdamW{WeightDecay: 0.1})
		moments := 0
		for _, s := range l.StateSpecs() {
			if strings.HasPrefix(s.Name, "m.") {
				moments++
			}
		}
		if moments != 2*5*2 {
			t.Errorf("moments of %d tensors", moments)
		}
		config, shared := lora.Config, len(base.Specs())
		gradient := device.New(b, "gradient of an adapter", func(in []*Node) []*Node {
			d, in := config.Bind(in)
			loss := nextToken.Build(d, in).Loss
			var nodes []*Node
			for _, s := range config.Specs()[shared:] {
				nodes = append(nodes, d.Weights[s.Name])
			}
			return append([]*Node{loss}, Gradient(loss, nodes...)...)
		})
		out, err := gradient.Call(lora.Weights(), []*Tensor{backend.Ints(row, 1, len(row)),
			backend.Floats(slices.Repeat([]float32{1}, len(row)), 1, len(row)), backend.Floats([]float32{float32(len(row) - 1)})})
		require.NoError(t, err)
		if loss := float64(device.Values(out[0])[0]); math.Abs(loss-golden.Loss.Value) > 1e-4 {
			t.Errorf("loss %g, want %g", loss, golden.Loss.Value)
		}
		for k, grad := range out[1:] {
			i := shared + k
			want := golden.Loss.Grads["base_model.model."+lora.Specs()[i].Name]
			got := device.Values(grad)
			squares := 0.0
			for _, x := range got {
				squares += float64(x) * float64(x)
			}
			if norm := math.Sqrt(squares); want.Norm == 0 || math.Abs(norm-want.Norm) > 1e-4*want.Norm {
				t.Errorf("%s: gradient norm %g, want %g", lora.Specs()[i].Name, norm, want.Norm)
			}
			for p, x := range want.First {
				if math.Abs(float64(got[p])-x) > 1e-4*want.Norm {
					t.Errorf("%s: gradient [%d] is %g, want %g", lora.Specs()[i].Name, p, got[p], x)
				}
			}
		}
		for i, want := range golden.Losses {
			stat, err := l.Step(batchOf([][]int32{row}, 1), 1e-2)
			if err != nil || math.Abs(stat.Loss-want) > 2e-4 {
				t.Errorf("step %d: loss %g, want %g: %v", i, stat.Loss, want, err)
			}
		}
		// Switched off, the adapter leaves the model that was trained from.
		one, _ := logProbs(context.Background(), base, prompts)
		two, err := logProbs(context.Background(), lora.Base(), prompts)
		if err != nil || !slices.Equal(one[2], two[2]) {
			t.Errorf("the base has changed: %v", err)
		}
		plain, err := OpenNet(b, filepath.Join("testdata", "llama-tiny"))
		require.NoError(t, err)
		if three, _ := logProbs(context.Background(), plain, prompts); !slices.Equal(one[2], three[2]) {
			t.Error("the base is not the file's")
		}
		lora.Close()
		if _, err := logProbs(context.Background(), base, prompts); err != nil {
			t.Errorf("closing the adapter: %v", err)
		}
	})
}

// A fresh adapter does nothing, has PEFT's distribution, and can be sampled from.
func TestLoRAFresh(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	base, _, golden := openLora(t, b)
	lora, err := base.WithLoRA(LoRA{Rank: 4, Alpha: 12, Targets: []string{"q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"}})
	require.NoError(t, err)
	prompts := [][]int32{golden.Cases[2].Prompt}
	one, _ := logProbs(context.Background(), base, prompts)
	if two, err := logProbs(context.Background(), lora, prompts); err != nil || !slices.Equal(one[0], two[0]) {
		t.Errorf("a fresh adapter changes something: %v", err)
	}
	for _, s := range lora.Specs()[len(base.Specs()):] {
		want := golden.Fresh["base_model.model."+s.Name]
		if want == nil || fmt.Sprint(want[2]) != fmt.Sprint(s.Dims) {
			t.Fatalf("%s: shape %v, want %v", s.Name, s.Dims, want)
		}
		data, _ := lora.Tensor(s.Name)
		largest, squares := 0.0, 0.0
		for _, x := range data {
			largest, squares = max(largest, math.Abs(float64(x))), squares+float64(x)*float64(x)
		}
		deviation := math.Sqrt(squares / float64(len(data)))
		if math.Abs(largest-want[0].(float64)) > 0.05*want[0].(float64) || math.Abs(deviation-want[1].(float64)) > 0.15*want[1].(float64) {
			t.Errorf("%s: largest %g, deviation %g, want %v", s.Name, largest, deviation, want)
		}
	}
	trained := &LM{Net: lora}
	if _, err := trained.Sample(context.Background(), Request{Prompt: []int32{1, 5}, MaxTokens: 5, Temperature: 1}); err != nil {
		t.Error(err)
	}
	// Every target, on every family with its biases and norms.
	for family, lm := range families(t, b) {
		all, err := lm.WithLoRA(LoRA{})
		require.NoError(t, err)
		if n := len(all.Specs()) - len(lm.Specs()); n != 2*7*2 || all.Config.LoRA.Rank != 8 {
			t.Errorf("%s: %d tensors", family, n)
		}
		if _, err := all.AddSpecial("<x>"); err == nil {
			t.Error("AddSpecial under an adapter")
		}
	}
	for _, c := range []struct {
		l    LoRA
		want string
	}{
		{LoRA{Rank: -1}, "Rank is -1"}, {LoRA{Alpha: -2}, "Alpha is -2"}, {LoRA{Targets: []string{}}, "Targets is empty"},
		{LoRA{Targets: []string{"lm_head"}}, `target "lm_head" is not supported`}, {LoRA{Targets: []string{"q_proj", "q_proj"}}, "given twice"},
	} {
		if _, err := base.WithLoRA(c.l); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v", c.l, err)
		}
	}
	if _, err := lora.WithLoRA(LoRA{}); err == nil {
		t.Error("an adapter over an adapter")
	}
}

// A run on an adapter that is saved and loaded half-way ends with the same bytes.
func TestLoRAResumes(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	adapted := func() *Learner {
		n, err := smallLM(t, b).WithLoRA(LoRA{Rank: 2, Seed: 3})
		require.NoError(t, err)
		return NewLearner(n.Net, nextToken, AdamW{})
	}
	whole, half, resumed := adapted(), adapted(), adapted()
	trainSmall(t, whole, 3, 2)
	trainSmall(t, half, 3, 2)
	dir := t.TempDir() + "/checkpoint"
	require.NoError(t, hf.SaveNet(half.Net, dir, SaveLearner(half)))
	require.NoError(t, OpenLearner(resumed, dir))
	trainSmall(t, whole, 3, 2)
	trainSmall(t, resumed, 3, 2)
	for i, s := range whole.Net.Specs() {
		if !slices.Equal(device.Values(whole.Net.Weights()[i]), device.Values(resumed.Net.Weights()[i])) {
			t.Errorf("%s differs after resuming", s.Name)
		}
	}
}
