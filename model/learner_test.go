package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// The update is torch.optim.AdamW's after clip_grad_norm_ (testdata/adamw/README.md).
func TestAdamWGolden(t *testing.T) {
	var golden struct {
		Cases []struct {
			LR, Beta1, Beta2, Eps, Weight_decay, Max_norm float64
			Shapes                                        [][]int
			Init                                          []any
			Grads                                         [][]any
			Grad_norms                                    []float64
			Params_f64                                    [][]any
		}
	}
	readJSON(t, "testdata/adamw/golden.json", &golden)
	each(t, func(t *testing.T, b Backend) {
		for _, c := range golden.Cases {
			net := &Net{backend: b}
			load := func(v []any) (list []*Tensor) {
				for i, s := range net.specs {
					list = append(list, backend.Floats(flatten(v[i]), s.dims...))
				}
				return list
			}
			for _, shape := range c.Shapes {
				if len(shape) == 1 {
					shape = []int{1, shape[0]} // torch decays vectors too; here they are norms
				}
				net.specs = append(net.specs, spec{"w", shape})
			}
			net.weights = load(c.Init)
			maxNorm := c.Max_norm
			if maxNorm == 0 {
				maxNorm = 1e30
			}
			l := NewLearner(net, nil, AdamW{Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.Eps, WeightDecay: c.Weight_decay, MaxNorm: maxNorm})
			// The gradient is handed in as the input of the loss, in two halves.
			l.grad = device.New(b, "given", func(in []*Node) []*Node {
				g := in[len(net.specs):]
				zero := ScalarZero(g[0].Graph(), device.Float32)
				return append([]*Node{zero, Reshape(zero, 1)}, g...)
			})
			for step, grads := range c.Grads {
				one, two := load(grads), load(grads)
				for i := range one {
					data := device.Values(one[i])
					other := make([]float32, len(data))
					for k := range data {
						other[k] = data[k] * 0.25
						data[k] *= 0.75
					}
					one[i], two[i] = backend.Floats(data, net.specs[i].dims...), backend.Floats(other, net.specs[i].dims...)
				}
				stat, err := l.Step([][]*Tensor{one, two}, c.LR)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Grad_norms) == 0 { // the case without clipping
				} else if d := math.Abs(stat.Norm - c.Grad_norms[step]); d > 2e-6*c.Grad_norms[step] {
					t.Errorf("step %d: norm is off by %g", step, d)
				}
				for i := range net.specs {
					want := flatten(c.Params_f64[step][i])
					for k, x := range device.Values(net.weights[i]) {
						if d := math.Abs(float64(x-want[k]) / float64(want[k])); d > 1e-6 {
							t.Fatalf("step %d: weight %d[%d] is off by %g of it", step, i, k, d)
						}
					}
				}
			}
		}
	})
}

func flatten(v any) (out []float32) {
	switch v := v.(type) {
	case float64:
		return []float32{float32(v)}
	case []any:
		for _, x := range v {
			out = append(out, flatten(x)...)
		}
	}
	return out
}

func TestCosineGolden(t *testing.T) {
	var golden struct {
		Cases []struct {
			LR                  float64
			Steps, Warmup_steps int
			Min_lr_rate         float64
			Values              []float64
			After_last          float64
		}
	}
	readJSON(t, "testdata/schedule/golden.json", &golden)
	for _, c := range golden.Cases {
		for i, want := range append(c.Values, c.After_last) {
			if got := Cosine(c.LR, i, c.Warmup_steps, c.Steps, c.Min_lr_rate); math.Abs(got-want) > 1e-9*c.LR {
				t.Errorf("step %d of %d: %g, want %g", i, c.Steps, got, want)
			}
		}
	}
}

// nextToken is the loss of the tests: mean cross entropy, its count as an input.
func nextToken(c Config, w Weights, in []*Node) (*Node, *Node) {
	logp := c.LogProbs(w, c.Hidden(w, in[0]), in[0], nil)
	loss := Div(Neg(ReduceAllSum(logp)), Reshape(in[1]))
	return loss, Reshape(loss, 1)
}

func trainSmall(t *testing.T, l *Learner, steps, split int) Stat {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, uint64(l.Steps())))
	var last Stat
	for range steps {
		var rows [][]int32
		for range 8 {
			at, row := rng.IntN(20), []int32(nil)
			for k := range 16 {
				row = append(row, int32(2+(at+3*k)%21))
			}
			rows = append(rows, row)
		}
		var batches [][]*Tensor
		for part := range slices.Chunk(rows, 8/split) {
			batches = append(batches, []*Tensor{backend.Ints(PadRows(part, 16), len(part), 16), backend.Floats([]float32{8 * 15}, 1)})
		}
		var err error
		if last, err = l.Step(batches, 3e-3); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// Micro-batches add up to the batch, and training learns a rule.
func TestMicroBatches(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		one, two := NewLearner(smallLM(t, b).Net, nextToken, AdamW{}), NewLearner(smallLM(t, b).Net, nextToken, AdamW{})
		first := trainSmall(t, one, 1, 1)
		other := trainSmall(t, two, 1, 2)
		if math.Abs(first.Loss-other.Loss) > 1e-5*first.Loss || math.Abs(first.Norm-other.Norm) > 1e-4*first.Norm {
			t.Errorf("whole batch %+v, two halves %+v", first, other)
		}
		rows := PadRows([][]int32{{2, 5, 8, 11}, {3, 6, 9}}, 16)
		in := func() [][]*Tensor { return [][]*Tensor{{backend.Ints(rows, 2, 16), backend.Floats([]float32{30}, 1)}} }
		measured, err := two.Measure(in())
		if err != nil {
			t.Fatal(err)
		}
		p, prepared, err := two.Prepare(in(), 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Discard()
		if math.Abs(measured.Loss-prepared.Loss) > 1e-6*measured.Loss || b.Name() == "go" && measured.Loss != prepared.Loss || measured.Norm != 0 || two.Steps() != 1 {
			t.Errorf("measured %+v, a step would have %+v", measured, prepared)
		}
		if last := trainSmall(t, two, 60, 2); last.Loss > first.Loss/2 {
			t.Errorf("loss went from %g to %g only", first.Loss, last.Loss)
		}
	})
}

// A run that is saved and loaded half-way ends with the same bytes.
func TestLearnerResumes(t *testing.T) {
	b := backends(t)["go"]
	whole := NewLearner(smallLM(t, b).Net, nextToken, AdamW{WeightDecay: 0.1})
	trainSmall(t, whole, 3, 2)
	trainSmall(t, whole, 3, 2)

	half := NewLearner(smallLM(t, b).Net, nextToken, AdamW{WeightDecay: 0.1})
	trainSmall(t, half, 3, 2)
	dir := t.TempDir() + "/checkpoint"
	if err := half.Net.SaveWith(dir, half.SaveState); err != nil {
		t.Fatal(err)
	}
	net, err := OpenNet(b, dir)
	if err != nil {
		t.Fatal(err)
	}
	resumed := NewLearner(net, nextToken, AdamW{WeightDecay: 0.1})
	if err := resumed.LoadState(dir); err != nil {
		t.Fatal(err)
	}
	trainSmall(t, resumed, 3, 2)
	for i, s := range whole.Net.specs {
		if !slices.Equal(device.Values(whole.Net.weights[i]), device.Values(resumed.Net.weights[i])) {
			t.Errorf("%s differs after resuming", s.name)
		}
	}
}

// A gradient that is not finite leaves the weights as they were.
func TestDivergedStep(t *testing.T) {
	lm := smallLM(t, backends(t)["go"])
	l := NewLearner(lm.Net, nextToken, AdamW{})
	before, _ := lm.Tensor("model.norm.weight")
	stat, err := l.Step([][]*Tensor{{backend.Ints(make([]int32, 32), 2, 16), backend.Floats([]float32{0}, 1)}}, 1e-3)
	if err != nil || !stat.Diverged || l.Steps() != 0 || l.Skipped() != 1 {
		t.Errorf("stat %+v, error %v, steps %d, skipped %d", stat, err, l.Steps(), l.Skipped())
	}
	dir := t.TempDir()
	if err := l.SaveState(dir); err != nil {
		t.Fatal(err)
	}
	again := NewLearner(lm.Net, nextToken, AdamW{})
	if err := again.LoadState(dir); err != nil || again.Skipped() != 1 || again.Steps() != 0 {
		t.Errorf("loaded: %v, skipped %d, steps %d", err, again.Skipped(), again.Steps())
	}
	if after, _ := lm.Tensor("model.norm.weight"); !slices.Equal(before, after) {
		t.Error("weights have changed")
	}
	if _, err := l.Step([][]*Tensor{{backend.Ints(make([]int32, 32), 2, 16)}}, 1e-3); err == nil {
		t.Error("a loss that panics gives no error")
	}
}
